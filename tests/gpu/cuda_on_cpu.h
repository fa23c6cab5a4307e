/* CUDA C on a CPU: what stands in front of the text of a kernel so that a C++ compiler takes it.
 *
 * One block runs after the other. Where a kernel has barriers, each of its threads is a fiber, which
 * runs up to the next barrier and then makes way; a kernel without any is a plain loop over its
 * threads. The order of blocks and threads is chosen by whoever launches: a kernel that needs one of
 * them is wrong, mostly for want of a barrier. Threads that do not meet at the same barrier are
 * complained of. For tests: not fast.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

struct dim3 {
    unsigned x, y, z;
};
static dim3 gridDim, blockDim, blockIdx, threadIdx;

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __syncthreads() cuda_on_cpu::meet(__LINE__)
/* Shared memory holds NaN when a block begins (-1 for whole numbers): nobody may rely on 0, nor on
 * what the last block left. The sanitizer does not watch over a section of our own. */
#ifdef __SANITIZE_ADDRESS__
#define __shared__ static
#else
#define __shared__ static __attribute__((section("of_a_block")))
extern char __start_of_a_block[] __attribute__((weak)), __stop_of_a_block[] __attribute__((weak));
#endif

static inline float __int_as_float(int bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

namespace cuda_on_cpu {

enum { FINE, DISAGREE, UNEXPECTED_BARRIER };
const size_t STACK = 64 << 10, MOST_THREADS = 1024;

struct Fiber {
    ucontext_t context;
    char *stack;
    int line; /* of the barrier where it waits, or DONE */
};
const int DONE = -1;
static Fiber fibers[MOST_THREADS];
static ucontext_t scheduler;
static Fiber *running; /* null in a plain loop */
static int complaint;
static void (*body)();

static void meet(int line) {
    if (!running) {
        complaint = UNEXPECTED_BARRIER;
        return;
    }
    running->line = line;
    swapcontext(&running->context, &scheduler);
}

static void whole_thread() {
    body();
    running->line = DONE;
    swapcontext(&running->context, &scheduler);
}

static void start(Fiber *fiber) {
    if (!fiber->stack) fiber->stack = (char *)malloc(STACK);
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = &scheduler;
    fiber->line = 0;
    makecontext(&fiber->context, whole_thread, 0);
}

static dim3 place(unsigned n, dim3 size) {
    return {n % size.x, n / size.x % size.y, n / size.x / size.y};
}

/* The n-th of `count` in an order: 0 from the first, 1 from the last, 2 mixed up. */
static unsigned in_order(unsigned n, unsigned count, int order) {
    if (order == 0) return n;
    if (order == 1) return count - 1 - n;
    unsigned step = count / 2 + 1; /* steps of this length through all meet each once ... */
    while (true) {                 /* ... if it has no divisor in common with their number */
        unsigned a = count, b = step;
        while (b) {
            unsigned rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) break;
        step++;
    }
    return (unsigned)(((uint64_t)n * step + count / 3) % count);
}

static void run_fibers(unsigned threads, int order) {
    for (unsigned n = 0; n < threads; n++) start(&fibers[n]);
    do { /* all threads up to the next barrier */
        for (unsigned n = 0; n < threads; n++) {
            unsigned thread = in_order(n, threads, order);
            threadIdx = place(thread, blockDim);
            running = &fibers[thread];
            swapcontext(&scheduler, &running->context);
        }
        running = 0;
        for (unsigned n = 1; n < threads; n++)
            if (fibers[n].line != fibers[0].line) complaint = DISAGREE;
    } while (!complaint && fibers[0].line != DONE);
}

static int launch(void (*kernel)(), dim3 grid, dim3 block, int order, bool has_barriers) {
    gridDim = grid, blockDim = block, body = kernel, complaint = FINE;
    unsigned blocks = grid.x * grid.y * grid.z, threads = block.x * block.y * block.z;
    for (unsigned n = 0; n < blocks && !complaint; n++) {
        blockIdx = place(in_order(n, blocks, order), grid);
#ifndef __SANITIZE_ADDRESS__
        memset(__start_of_a_block, 0xFF, __stop_of_a_block - __start_of_a_block);
#endif
        if (has_barriers)
            run_fibers(threads, order);
        else
            for (unsigned m = 0; m < threads; m++) {
                threadIdx = place(in_order(m, threads, order), block);
                body();
            }
    }
    return complaint;
}

/* What stands for a type in a signature. */
template <class T> struct Name;
template <> struct Name<float> { static constexpr char text[] = "float32 "; };
template <> struct Name<double> { static constexpr char text[] = "float64 "; };
template <> struct Name<int> { static constexpr char text[] = "int32 "; };
template <> struct Name<long long> { static constexpr char text[] = "int64 "; };
template <> struct Name<bool> { static constexpr char text[] = "bool "; };
template <class T> struct Name<const T> : Name<T> {};
template <class T> struct Parameter {
    static void add_to(char *to) { strcat(to, Name<T>::text); }
};
template <class T> struct Parameter<T *> {
    static void add_to(char *to) { strcat(strcat(to, "*"), Name<T>::text); }
};

template <auto kernel> struct Entry;
template <class... T, void (*kernel)(T...)> struct Entry<kernel> {
    static inline void **given;

    template <int... n> struct Numbers {};
    template <int n, int... more> struct Count : Count<n - 1, n - 1, more...> {};
    template <int... n> struct Count<0, n...> {
        static void call() { kernel(*(T *)given[n]...); }
    };

    static const char *signature() {
        static char text[1024];
        if (!text[0]) (Parameter<T>::add_to(text), ...);
        return text;
    }
    static int run(const unsigned *size, void **arguments, int order, bool has_barriers) {
        given = arguments;
        dim3 grid = {size[0], size[1], size[2]}, block = {size[3], size[4], size[5]};
        return launch(Count<sizeof...(T)>::call, grid, block, order, has_barriers);
    }
};

} // namespace cuda_on_cpu
