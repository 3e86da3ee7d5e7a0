/* Makes the k-th large allocation fail, once or from then on. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static const size_t LARGE = 2048;

static int is_on, is_for_good;
static long n_left, n_seen;

void starve(long at, int for_good) { n_left = at; n_seen = 0; is_for_good = for_good; is_on = 1; }

long feed(void) { is_on = 0; return n_seen; }

static int fails(size_t size)
{
    if (!is_on || size < LARGE) return 0;
    n_seen++;
    if (n_left < 0) return 0;
    if (n_left > 1) { n_left--; return 0; }
    if (n_left == 1) { n_left = is_for_good ? 1 : -1; errno = ENOMEM; return 1; }
    return 0;
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { return fails(size) ? NULL : __libc_malloc(size); }

void *calloc(size_t n, size_t size) { return fails(n * size) ? NULL : __libc_calloc(n, size); }

void *realloc(void *old, size_t size) { return fails(size) ? NULL : __libc_realloc(old, size); }

void *memalign(size_t at, size_t size) { return fails(size) ? NULL : __libc_memalign(at, size); }

void *aligned_alloc(size_t at, size_t size) { return memalign(at, size); }

int posix_memalign(void **out, size_t at, size_t size)
{
    void *found = memalign(at, size);
    if (found == NULL) return ENOMEM;
    *out = found;
    return 0;
}
