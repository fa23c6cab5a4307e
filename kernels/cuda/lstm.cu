/* A long short-term memory over a whole sequence: one launch forward, one back for all rows.
 *
 * A block is one sample (and, on the way back, one row), a thread one column of the gates i, f, j,
 * o, which lie side by side. Samples do not need one another, so no block waits for another, and
 * one launch goes through all steps. UNITS is compiled in: the weights of a thread stay in its
 * registers.
 *
 * The products over all steps at once (x W before, the gradients of the weights after) are left to
 * cuBLAS. Arrays are (batch, time, numbers), time is that of the input. See tinygrad_mo/ops/lstm.py
 * for the rule, kernels/cpu/lstm.c for the sister and kernels/README.md for both side by side.
 */
#define GATES (4 * UNITS)

/* x_w: x W. h0, c0 and mask may be null. gates receives the gates; all the states, in the order of
 * computing; h_before, c_before and tanh_c what the way back needs; h and c the last state. */
extern "C" __global__ void __launch_bounds__(GATES, 1) lstm_forward(
    const float *x_w, const float *bias, const float *recurrent, const float *h0, const float *c0,
    const bool *mask, float *gates, float *all, float *h_before, float *c_before, float *tanh_c,
    float *h, float *c, int time, int backwards
) {
    __shared__ float state[UNITS]; /* h */
    __shared__ float gate[GATES];
    int column = threadIdx.x, unit = column % UNITS, sample = blockIdx.x;
    bool is_first = column < UNITS; /* of the four threads of a unit: it keeps the unit's c */
    float kept[KEPT], shift = bias[column], cell = 0.0f;
    keep(kept, recurrent + column, GATES);
    if (is_first) {
        state[unit] = h0 ? h0[sample * UNITS + unit] : 0.0f;
        cell = c0 ? c0[sample * UNITS + unit] : 0.0f;
    }
    num first = (num)sample * time; /* where the steps of this sample begin */
    float coming = x_w[(first + (backwards ? time - 1 : 0)) * GATES + column];
    __syncthreads();
    for (int step = 0; step < time; step++) {
        num at = first + (backwards ? time - 1 - step : step);
        float z = coming + shift;
        if (step + 1 < time) /* asked for early: memory takes its time */
            coming = x_w[(at + (backwards ? -1 : 1)) * GATES + column];
        z += product(state, kept, recurrent + column, GATES);
        z = column / UNITS == 2 ? tanhf(z) : sigmoid(z);
        gate[column] = gates[at * GATES + column] = z;
        __syncthreads(); /* all gates are there, and state has been read */
        if (is_first) {
            h_before[at * UNITS + unit] = state[unit];
            c_before[at * UNITS + unit] = cell;
            if (!mask || mask[at]) {
                cell = gate[UNITS + unit] * cell + gate[unit] * gate[2 * UNITS + unit];
                float squashed = tanhf(cell);
                tanh_c[at * UNITS + unit] = squashed;
                state[unit] = gate[3 * UNITS + unit] * squashed;
            }
            all[(first + step) * UNITS + unit] = state[unit];
        }
        __syncthreads(); /* state is new, and gate has been read */
    }
    if (is_first) {
        h[sample * UNITS + unit] = state[unit];
        c[sample * UNITS + unit] = cell;
    }
}

/* What a step of one unit left behind, and the gradient of its state. */
struct Step {
    float i, f, j, o, c_before, tanh_c, g;
};

/* g: of all states, in the order of computing, g_h and g_c: of the last. dz receives the gradient
 * of x W + b, dh and dc that of the first state. The weight from a unit to a column is at
 * recurrent[unit * of_unit + column * of_column]. */
extern "C" __global__ void __launch_bounds__(GATES, 1) lstm_backward(
    const float *recurrent, const bool *mask, const float *gates, const float *c_before,
    const float *tanh_c, const float *g, const float *g_h, const float *g_c, float *dz, float *dh,
    float *dc, int of_unit, int of_column, int time, int backwards
) {
    __shared__ float slope[GATES]; /* dz of this step */
    __shared__ float part[GATES];  /* of dh: what comes through each gate */
    int column = threadIdx.x, unit = column % UNITS, gate = column / UNITS;
    num sample = blockIdx.x, row = blockIdx.y * (num)gridDim.x + sample;
    const float *weights = recurrent + unit * of_unit + gate * UNITS * of_column;
    float kept[KEPT];
    keep(kept, weights, of_column);
    float of_h = g_h[row * UNITS + unit], of_c = g_c[row * UNITS + unit];

    auto read = [&](int step) {
        num at = sample * time + (backwards ? time - 1 - step : step), u = at * UNITS + unit;
        const float *z = gates + at * GATES + unit;
        return Step{z[0],        z[UNITS],  z[2 * UNITS], z[3 * UNITS],
                    c_before[u], tanh_c[u], g[(row * time + step) * UNITS + unit]};
    };
    Step coming = read(time - 1);
    for (int step = time - 1; step >= 0; step--) {
        int t = backwards ? time - 1 - step : step;
        Step s = coming;
        if (step > 0) coming = read(step - 1); /* asked for early: memory takes its time */
        of_h += s.g;
        float *to = dz + (row * time + t) * GATES + column;
        if (mask && !mask[sample * time + t]) {
            *to = 0.0f;
            continue;
        }
        of_c += of_h * s.o * (1.0f - s.tanh_c * s.tanh_c);
        slope[column] = *to = gate == 0   ? of_c * s.j * s.i * (1.0f - s.i)
                              : gate == 1 ? of_c * s.c_before * s.f * (1.0f - s.f)
                              : gate == 2 ? of_c * s.i * (1.0f - s.j * s.j)
                                          : of_h * s.tanh_c * s.o * (1.0f - s.o);
        of_c *= s.f;
        __syncthreads(); /* slope is there, and part has been read */
        part[column] = product(slope + gate * UNITS, kept, weights, of_column);
        __syncthreads(); /* part is there, and slope has been read */
        of_h = (part[unit] + part[UNITS + unit]) + (part[2 * UNITS + unit] + part[3 * UNITS + unit]);
    }
    if (gate == 0) {
        dh[row * UNITS + unit] = of_h;
        dc[row * UNITS + unit] = of_c;
    }
}
