/* What malloc and calloc give ends where memory does: who writes or reads behind it is ended; and
 * who takes for a number what malloc gave finds NaN. In the page before it stands how much to give
 * back. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline void *room_at_the_end(size_t size, int byte) {
    size_t page = (size_t)getpagesize(), pages = (size + page - 1) / page * page;
    size_t whole = pages + 2 * page;
    char *start = mmap(0, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return 0;
    *(size_t *)start = whole;
    memset(start + page, byte, pages);
    mprotect(start + page + pages, page, PROT_NONE);
    return start + page + pages - size;
}

static inline void give_back(void *room) {
    if (!room) return;
    size_t page = (size_t)getpagesize();
    char *start = (char *)((size_t)room / page * page) - page;
    munmap(start, *(size_t *)start);
}

#define malloc(size) room_at_the_end(size, 255)
#define calloc(count, size) room_at_the_end((count) * (size), 0)
#define free give_back
