/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.EventFactory;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.Sequence;
import com.lmax.disruptor.SequenceBarrier;
import com.lmax.disruptor.WaitStrategy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A single producer's ring with handlers in threads of their own, wired as LMAX's performance tests do. */
abstract class Topology<E> {
    private final RingBuffer<E> ring;
    private final List<BatchEventProcessor<E>> processors = new ArrayList<>();
    private final List<Result> results = new ArrayList<>();

    Topology(EventFactory<E> factory, int slots, WaitStrategy wait) {
        ring = RingBuffer.createSingleProducer(factory, slots, wait);
    }

    /** What the producer writes into event number i. */
    abstract void fill(E event, long i);

    abstract boolean isRight(Result result, long events);

    final Result last() {
        return results.get(results.size() - 1);
    }

    final void add(Result handler) {
        addAfter(handler);
    }

    /** A handler that follows others, by number; -1 and none: the producer. */
    @SuppressWarnings("unchecked")
    final void addAfter(Result handler, int... others) {
        List<Sequence> after = new ArrayList<>();

        for (int other : others) {
            if (other >= 0) {
                after.add(processors.get(other).getSequence());
            }
        }
        SequenceBarrier barrier = ring.newBarrier(after.toArray(new Sequence[0]));
        processors.add(new BatchEventProcessor<>(ring, barrier, (EventHandler<E>) handler));
        results.add(handler);
    }

    final void gate(int handler) {
        ring.addGatingSequences(processors.get(handler).getSequence());
    }

    final void gateAll() {
        for (int i = 0; i < processors.size(); i++) {
            gate(i);
        }
    }

    /** Nanoseconds from the first claim until the last handler has seen the last event. */
    final long pass(long events, int publish) throws Exception {
        CountDownLatch latch = new CountDownLatch(processors.size());
        List<Thread> threads = new ArrayList<>();

        for (int i = 0; i < processors.size(); i++) {
            results.get(i).reset(latch, processors.get(i).getSequence().get() + events);
            threads.add(new Thread(processors.get(i)));
        }
        threads.forEach(Thread::start);
        long start = System.nanoTime();
        if (publish == 1) {
            publishEach(events);
        } else {
            publishBatches(events, publish);
        }
        latch.await();
        long end = System.nanoTime();
        stop(threads);
        check(events);
        return end - start;
    }

    private void publishEach(long events) {
        for (long i = 0; i < events; i++) {
            long sequence = ring.next();

            fill(ring.get(sequence), i);
            ring.publish(sequence);
        }
    }

    private void publishBatches(long events, int publish) {
        for (long i = 0; i < events; i += publish) {
            long high = ring.next(publish);
            long low = high - (publish - 1);

            for (long sequence = low; sequence <= high; sequence++) {
                fill(ring.get(sequence), i + (sequence - low));
            }
            ring.publish(low, high);
        }
    }

    /** A processor that was halted before it ran would run for ever: they have all run. */
    private void stop(List<Thread> threads) throws InterruptedException {
        long end = ring.getCursor();

        for (int i = 0; i < processors.size(); i++) {
            while (processors.get(i).getSequence().get() != end) {
                Thread.onSpinWait();
            }
            processors.get(i).halt();
            threads.get(i).join();
        }
    }

    private void check(long events) {
        for (Result result : results) {
            if (!isRight(result, events)) {
                throw new IllegalStateException("an event was lost or seen twice");
            }
        }
    }

    /** Events per look of a handler, in the last pass. */
    final double meanBatch(long events) {
        long batches = 0;

        for (Result result : results) {
            batches += result.batches;
        }
        return (double) events * results.size() / batches;
    }
}
