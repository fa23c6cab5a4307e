/* A gated recurrent unit over a whole sequence (reset after the product): one launch each way.
 *
 * As in lstm.cu, a block is one sample (and, on the way back, one row), a thread one column of the
 * gates u, r, j, which lie side by side. See tinygrad_mo/ops/gru.py for the rule.
 */
#define GATES (3 * UNITS)

/* x_w: x W, of which bias is b; shift is the bias of h U. h0 and mask may be null. gates receives
 * the gates, inner what j takes from h; all the states, in the order of computing; h_before what
 * the way back needs; h the last state. */
extern "C" __global__ void __launch_bounds__(GATES, 1) gru_forward(
    const float *x_w, const float *bias, const float *recurrent, const float *shift,
    const float *h0, const bool *mask, float *gates, float *all, float *h_before, float *inner,
    float *h, int time, int backwards
) {
    __shared__ float state[UNITS];
    __shared__ float gate[2 * UNITS]; /* u and r */
    int column = threadIdx.x, unit = column % UNITS, sample = blockIdx.x;
    bool is_candidate = column >= 2 * UNITS; /* its thread keeps the state of the unit */
    float kept[KEPT], of_x = bias[column], of_h = shift[column], own = 0.0f;
    keep(kept, recurrent + column, GATES);
    if (is_candidate) state[unit] = own = h0 ? h0[sample * UNITS + unit] : 0.0f;
    num first = (num)sample * time; /* where the steps of this sample begin */
    float coming = x_w[(first + (backwards ? time - 1 : 0)) * GATES + column];
    __syncthreads();
    for (int step = 0; step < time; step++) {
        num at = first + (backwards ? time - 1 - step : step);
        float z = coming + of_x;
        if (step + 1 < time) /* asked for early: memory takes its time */
            coming = x_w[(at + (backwards ? -1 : 1)) * GATES + column];
        float p = product(state, kept, recurrent + column, GATES) + of_h;
        if (!is_candidate) gate[column] = gates[at * GATES + column] = sigmoid(z + p);
        __syncthreads(); /* u and r are there, and state has been read */
        if (is_candidate) {
            float j = gates[at * GATES + column] = tanhf(z + gate[UNITS + unit] * p);
            inner[at * UNITS + unit] = p;
            h_before[at * UNITS + unit] = own;
            if (!mask || mask[at]) own = j + gate[unit] * (own - j);
            state[unit] = all[(first + step) * UNITS + unit] = own;
        }
        __syncthreads(); /* state is new, and gate has been read */
    }
    if (is_candidate) h[sample * UNITS + unit] = own;
}

/* What a step of one unit left behind, and the gradient of its state. */
struct Step {
    float u, r, j, inner, h_before, g;
};

/* g: of all states, in the order of computing, g_h: of the last. dz receives the gradient of
 * x W + b, dz_h that of h U + shift, dh that of the first state. The weight from a unit to a column
 * is at recurrent[unit * of_unit + column * of_column]. */
extern "C" __global__ void __launch_bounds__(GATES, 1) gru_backward(
    const float *recurrent, const bool *mask, const float *gates, const float *h_before,
    const float *inner, const float *g, const float *g_h, float *dz, float *dz_h, float *dh,
    int of_unit, int of_column, int time, int backwards
) {
    __shared__ float slope[GATES]; /* dz_h of this step */
    __shared__ float part[GATES];  /* of dh: what comes through each gate */
    int column = threadIdx.x, unit = column % UNITS, gate = column / UNITS;
    num sample = blockIdx.x, row = blockIdx.y * (num)gridDim.x + sample;
    const float *weights = recurrent + unit * of_unit + gate * UNITS * of_column;
    float kept[KEPT], of_h = g_h[row * UNITS + unit];
    keep(kept, weights, of_column);

    auto read = [&](int step) {
        num at = sample * time + (backwards ? time - 1 - step : step), k = at * UNITS + unit;
        const float *z = gates + at * GATES + unit;
        return Step{z[0],     z[UNITS],    z[2 * UNITS],
                    inner[k], h_before[k], g[(row * time + step) * UNITS + unit]};
    };
    Step coming = read(time - 1);
    for (int step = time - 1; step >= 0; step--) {
        int t = backwards ? time - 1 - step : step;
        num to = (row * time + t) * GATES + column;
        Step s = coming;
        if (step > 0) coming = read(step - 1); /* asked for early: memory takes its time */
        of_h += s.g;
        if (mask && !mask[sample * time + t]) {
            dz[to] = dz_h[to] = 0.0f;
            continue;
        }
        float of_j = of_h * (1.0f - s.u) * (1.0f - s.j * s.j);
        float mine = gate == 0   ? of_h * (s.h_before - s.j) * s.u * (1.0f - s.u)
                     : gate == 1 ? of_j * s.inner * s.r * (1.0f - s.r)
                                 : of_j;
        dz[to] = mine;
        slope[column] = dz_h[to] = gate == 2 ? mine * s.r : mine;
        __syncthreads(); /* slope is there, and part has been read */
        part[column] = product(slope + gate * UNITS, kept, weights, of_column);
        __syncthreads(); /* part is there, and slope has been read */
        of_h = of_h * s.u + (part[unit] + part[UNITS + unit] + part[2 * UNITS + unit]);
    }
    if (gate == 0) dh[row * UNITS + unit] = of_h;
}
