/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * order.h: the accesses to shared memory, and their order
 *
 * The only user-side file that names memory orders. Each access takes an lvalue of 32 or 64 bits, unsigned, and refuses
 * anything else at compile time. Which of them is used where, and what is lost without it: the table in dmp/ring.h.
 *
 *   dmp_load_once(x)       once, not torn, not ordered        dmp_store_once(x, v)
 *   dmp_load_acquire(x)    before all that follows            dmp_store_release(x, v)   after all that precedes
 *   dmp_exchange(x, v)     was x; dmp_raise(x, n): is x now; dmp_replace(x, old, v): whether x was *old, else *old is
 *                          what it was. One step, and a full barrier
 *   dmp_count(x, n)        x grows by n in one step, not ordered
 *   dmp_grow(x, n)         the same of a word that this thread alone writes, 64 bits: not locked, and one store
 *   dmp_full_barrier()     everything before, then everything after, stores before loads included
 *   dmp_store_fence()      stores before, then stores after       free on x86-64: it only holds the compiler
 *   dmp_load_fence()       loads before, then loads after         free on x86-64: it only holds the compiler
 *   dmp_compiler_barrier() holds the compiler alone
 *   dmp_pause()            in a loop that waits for another CPU
 *   dmp_prefetch(p)        a line that will be read           dmp_prefetch_w(p)   ... written: takes it from its owner
 */
#ifndef DMP_ORDER_H
#define DMP_ORDER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C++" {
char dmp_word_(const volatile unsigned int &);
char dmp_word_(const volatile unsigned long &);
char dmp_word_(const volatile unsigned long long &);
}
#define DMP_WORD_(x) ((void)sizeof(dmp_word_(x)))
#else
#define DMP_WORD_(x) ((void)_Generic((x), unsigned int : 0, unsigned long : 0, unsigned long long : 0))
#endif

#define dmp_load_once(x)	(DMP_WORD_(x), __atomic_load_n(&(x), __ATOMIC_RELAXED))
#define dmp_load_acquire(x)	(DMP_WORD_(x), __atomic_load_n(&(x), __ATOMIC_ACQUIRE))
#define dmp_store_once(x, v)	(DMP_WORD_(x), __atomic_store_n(&(x), (v), __ATOMIC_RELAXED))
#define dmp_store_release(x, v) (DMP_WORD_(x), __atomic_store_n(&(x), (v), __ATOMIC_RELEASE))

#define dmp_exchange(x, v) (DMP_WORD_(x), __atomic_exchange_n(&(x), (v), __ATOMIC_SEQ_CST))
#define dmp_raise(x, n)	   (DMP_WORD_(x), __atomic_add_fetch(&(x), (n), __ATOMIC_SEQ_CST))
#define dmp_replace(x, old, v) \
	(DMP_WORD_(x), __atomic_compare_exchange_n(&(x), (old), (v), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
#define dmp_count(x, n) (DMP_WORD_(x), (void)__atomic_fetch_add(&(x), (n), __ATOMIC_RELAXED))

#ifdef __x86_64__
/* By hand: compilers make three instructions of a load and a store that must not be torn. */
#define dmp_grow(x, n)                                                                   \
	do {                                                                             \
		(void)sizeof(char[sizeof(x) == 8 ? 1 : -1]);                             \
		__asm__("addq %1, %0" : "+m"(x) : "er"((unsigned long long)(n)) : "cc"); \
	} while (0)
#else
#define dmp_grow(x, n) dmp_store_once(x, dmp_load_once(x) + (n))
#endif

#define dmp_compiler_barrier() __asm__ __volatile__("" ::: "memory")
#define dmp_store_fence()      __atomic_thread_fence(__ATOMIC_RELEASE)
#define dmp_load_fence()       __atomic_thread_fence(__ATOMIC_ACQUIRE)

#ifdef __x86_64__
/* Never mfence: it costs 2.5 times as much as a locked operation on a line that is ours anyway. */
#define dmp_full_barrier() __asm__ __volatile__("lock; orl $0, (%%rsp)" ::: "memory", "cc")
#define dmp_pause()	   __asm__ __volatile__("pause" ::: "memory")
/* By hand: compilers take a prefetch for writing as one for reading unless told the CPU has it; a nop where not. */
#define dmp_prefetch_w(p)  __asm__ __volatile__("prefetchw %0" ::"m"(*(const char *)(p)))
#else
#define dmp_full_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#ifdef __aarch64__
#define dmp_pause() __asm__ __volatile__("yield" ::: "memory")
#else
#define dmp_pause() dmp_compiler_barrier()
#endif
#define dmp_prefetch_w(p) __builtin_prefetch((p), 1, 3)
#endif
#define dmp_prefetch(p) __builtin_prefetch((p), 0, 3)

#endif /* DMP_ORDER_H */
