/* Many small operations in one call: what a trace has written down (tinygrad_mo/tracing.py).
 *
 * Every instruction is a row of numbers that says what to do, over how many elements, and where
 * they lie. Loops run over up to four axes; the last one is the one that is made fast.
 */
#include <math.h>

#pragma GCC optimize("O2", "tree-vectorize") /* a third of the time to compile, and as fast */

#include "matrix.h"

typedef float type_f;
typedef uint8_t type_b; /* bool */
typedef int32_t type_i;
typedef int64_t type_l;

#define AXES 4

typedef struct {
    int64_t place, size, steps[AXES]; /* an address; of an element, and from one to the next: bytes */
} operand;

typedef struct {
    int64_t what, shape[AXES];
    operand x, y, to;
} instruction;

/* name, type of the result, types of x and y (y is x where there is only one), the result. `old`
 * is what stood where the result goes. NaN wins in maximum and minimum, as in NumPy. */
#define COMPARISONS(each, t)                                                                      \
    each(greater, b, t, t, x > y) each(greater_equal, b, t, t, x >= y) each(less, b, t, t, x < y) \
    each(less_equal, b, t, t, x <= y) each(equal, b, t, t, x == y)                                \
    each(not_equal, b, t, t, x != y)

#define MAPS(each)                                                                                \
    each(add, f, f, f, x + y) each(subtract, f, f, f, x - y) each(multiply, f, f, f, x * y)       \
    COMPARISONS(each, f) COMPARISONS(each, i) COMPARISONS(each, l)                                \
    each(divide, f, f, f, x / y) each(negative, f, f, f, -x) each(absolute, f, f, f, fabsf(x))    \
    each(maximum, f, f, f, x >= y || x != x ? x : y)                                              \
    each(minimum, f, f, f, x <= y || x != x ? x : y)                                              \
    each(square, f, f, f, x * x) each(sqrt, f, f, f, sqrtf(x)) each(exp, f, f, f, expf(x))        \
    each(expm1, f, f, f, expm1f(x)) each(log, f, f, f, logf(x)) each(log1p, f, f, f, log1pf(x))   \
    each(sin, f, f, f, sinf(x)) each(cos, f, f, f, cosf(x)) each(tanh, f, f, f, fast_tanh(x))     \
    each(power, f, f, f, powf(x, y)) each(floor, f, f, f, floorf(x))                              \
    each(sign, f, f, f, x != x ? x : (float)((x > 0) - (x < 0)))                                  \
    each(bitwise_or, b, b, b, x | y) each(bitwise_and, b, b, b, x & y) each(invert, b, b, b, !x)  \
    each(logical_or, b, b, b, x | y) each(logical_and, b, b, b, x & y)                            \
    each(logical_not, b, b, b, !x)                                                                \
    each(copy, f, f, f, x) each(copy, b, b, b, x) each(copy, i, i, i, x) each(copy, l, l, l, x)   \
    each(copy, f, b, b, x) each(copy, f, i, i, (float)x) each(copy, f, l, l, (float)x)            \
    each(copy, l, i, i, x) each(copy, l, b, b, x)                                                 \
    each(choose, f, f, b, y ? x : old) each(choose, l, l, b, y ? x : old)

#define REDUCTIONS(each)                                                                          \
    each(sum, f, f, f, old + x) each(largest, f, f, f, x >= old || x != x ? x : old)              \
    each(smallest, f, f, f, x <= old || x != x ? x : old) each(any, b, b, b, old | x)             \
    each(every, b, b, b, old & x) each(sum, l, b, b, old + x) each(sum, l, l, l, old + x)

#define NUMBERED(name, r, s, t, result) name##_##r##s##t,
enum { MAPS(NUMBERED) REDUCTIONS(NUMBERED) matmul_fff };

#define NAMED(name, r, s, t, result) #name "_" #r #s #t " "
EXPORT const char *program_instructions(void) {
    return MAPS(NAMED) REDUCTIONS(NAMED) "matmul_fff";
}

/* A row of results, each from the x and y of its place. */
#define MAP(name, r, s, t, result)                                                                \
    case name##_##r##s##t: {                                                                      \
        const type_##s *px = x_row;                                                               \
        const type_##t *py = y_row;                                                               \
        type_##r *to = to_row;                                                                    \
        _Pragma("GCC ivdep") for (num i = 0; i < n; i++) {                                        \
            type_##s x = px[i];                                                                   \
            type_##t y = py[i];                                                                   \
            type_##r old = to[i];                                                                 \
            (void)y, (void)old;                                                                   \
            to[i] = result;                                                                       \
        }                                                                                         \
        break;                                                                                    \
    }

/* All numbers of a row into one place; in LANES parts side by side, if it is long. */
#define REDUCE(name, r, s, t, result)                                                             \
    case name##_##r##s##t: {                                                                      \
        const type_##s *px = x_row;                                                               \
        type_##r part[LANES], *to = to_row;                                                       \
        num whole = n - n % LANES;                                                                \
        for (num j = 0; j < LANES && whole; j++) part[j] = px[j];                                 \
        for (num i = LANES; i < whole; i += LANES)                                                \
            for (num j = 0; j < LANES; j++) {                                                     \
                type_##s x = px[i + j];                                                           \
                type_##r old = part[j];                                                           \
                part[j] = result;                                                                 \
            }                                                                                     \
        type_##r old = *to;                                                                       \
        for (num j = 0; j < LANES && whole; j++) {                                                \
            type_##r x = part[j];                                                                 \
            old = result;                                                                         \
        }                                                                                         \
        for (num i = whole; i < n; i++) {                                                         \
            type_##s x = px[i];                                                                   \
            old = result;                                                                         \
        }                                                                                         \
        *to = old;                                                                                \
        break;                                                                                    \
    }

static void map_row(num what, num n, const void *x_row, const void *y_row, void *to_row) {
    switch (what) { MAPS(MAP) REDUCTIONS(MAP) }
}

static void reduce_row(num what, num n, const void *x_row, void *to_row) {
    switch (what) { REDUCTIONS(REDUCE) }
}

#define ROW 256 /* so many numbers at a time */

#define MOVE(type, from, from_step, to, to_step, n)                 \
    for (num i = 0; i < n; i++)                                     \
        *(type *)((char *)to + i * (to_step)) = *(const type *)((const char *)from + i * (from_step));

static void move(const void *from, num from_step, void *to, num to_step, num size, num n) {
    switch (size) {
        case 1: MOVE(uint8_t, from, from_step, to, to_step, n) break;
        case 4: MOVE(uint32_t, from, from_step, to, to_step, n) break;
        default: MOVE(uint64_t, from, from_step, to, to_step, n)
    }
}

/* Numbers of an operand side by side: where they lie if they do already, or else in `room`. */
INLINE void *beside(const operand *x, num at, num n, void *room) {
    char *place = (char *)x->place + at;
    num step = x->steps[AXES - 1];
    if (step == x->size || n == 1) return place;
    move(place, step, room, x->size, x->size, n);
    return room;
}

static void one_row(const instruction *p, num n, num at_x, num at_y, num at_to) {
    uint64_t x_room[ROW], y_room[ROW], to_room[ROW];
    num step = p->to.steps[AXES - 1];
    for (num many; n > 0; n -= many) {
        many = least(n, ROW);
        const void *x = beside(&p->x, at_x, many, x_room);
        if (!step && many > 1) {
            reduce_row(p->what, many, x, (char *)p->to.place + at_to);
        } else {
            void *to = beside(&p->to, at_to, many, to_room);
            map_row(p->what, many, x, beside(&p->y, at_y, many, y_room), to);
            if (to == to_room)
                move(to, p->to.size, (char *)p->to.place + at_to, step, p->to.size, many);
        }
        at_x += many * p->x.steps[AXES - 1];
        at_y += many * p->y.steps[AXES - 1];
        at_to += many * step;
    }
}

/* One product of matrices: shape is rows, depth, columns; steps are those of the two axes. */
static int product(const instruction *p) {
    num rows = p->shape[0], depth = p->shape[1], columns = p->shape[2];
    num x_row = p->x.steps[0] / 4, x_step = p->x.steps[1] / 4;
    float *packed = malloc(4 * (packed_size(depth, columns) + rows * depth));
    if (!packed) return 0;
    const float *x = (const float *)p->x.place;
    if (x_step != 1) {
        float *left = packed + packed_size(depth, columns);
        for (num k = 0; k < depth; k++)
            for (num r = 0; r < rows; r++) left[r * depth + k] = x[r * x_row + k * x_step];
        x = left;
        x_row = depth;
    }
    pack((const float *)p->y.place, p->y.steps[0] / 4, p->y.steps[1] / 4, depth, columns, packed);
    multiply(rows, x, x_row, depth, packed, (float *)p->to.place, p->to.steps[0] / 4, columns, 0);
    free(packed);
    return 1;
}

EXPORT int program_run(const instruction *p, num count) {
    for (const instruction *end = p + count; p < end; p++) {
        if (p->what == matmul_fff) {
            if (!product(p)) return 0;
            continue;
        }
        const int64_t *x = p->x.steps, *y = p->y.steps, *to = p->to.steps;
        for (num a = 0; a < p->shape[0]; a++)
            for (num b = 0; b < p->shape[1]; b++)
                for (num c = 0; c < p->shape[2]; c++)
                    one_row(p, p->shape[3], a * x[0] + b * x[1] + c * x[2],
                            a * y[0] + b * y[1] + c * y[2], a * to[0] + b * to[1] + c * to[2]);
    }
    return 1;
}
