/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import java.util.concurrent.atomic.AtomicLong;

/** disruptor-rs's grid, as latency_burst.c has it: a pause, a burst, and the time until its last event has arrived. */
final class Burst {
    private static final class Value {
        long value;
    }

    private static final int BURSTS = 100; // between two looks at the clock

    private final AtomicLong sink = new AtomicLong();
    private final RingBuffer<Value> ring;
    private final BatchEventProcessor<Value> processor;
    private final Thread thread;
    private final int size;
    private final long pause;
    private long sent;

    Burst(int slots, int size, long pause) {
        EventHandler<Value> handler = (event, sequence, endOfBatch) -> sink.setRelease(event.value);

        ring = RingBuffer.createSingleProducer(Value::new, slots, new BusySpinWaitStrategy());
        processor = new BatchEventProcessor<>(ring, ring.newBarrier(), handler);
        ring.addGatingSequences(processor.getSequence());
        thread = new Thread(processor);
        thread.start();
        this.size = size;
        this.pause = pause;
    }

    private void publish() {
        long high = ring.next(size), low = high - (size - 1);

        for (long sequence = low; sequence <= high; sequence++) {
            ring.get(sequence).value = ++sent;
        }
        ring.publish(low, high);
    }

    private void send() {
        publish();
        while (sink.getAcquire() != sent) {
            Thread.onSpinWait();
        }
    }

    private static long waitUntil(long time) {
        long now;

        do {
            now = System.nanoTime();
        } while (now < time);
        return now;
    }

    /** The time of so many bursts, without the pauses. */
    private long send(int bursts) {
        long start = System.nanoTime(), ns = 0;

        for (int i = 0; i < bursts; i++) {
            if (pause > 0) {
                start = waitUntil(System.nanoTime() + pause);
            }
            send();
            if (pause > 0) {
                ns += System.nanoTime() - start;
            }
        }
        return pause > 0 ? ns : System.nanoTime() - start;
    }

    /** Nanoseconds per event, over so long a time. */
    double run(long budget) {
        long end = System.nanoTime() + budget, events = 0, ns = 0;

        while (System.nanoTime() < end) {
            ns += send(BURSTS);
            events += (long) BURSTS * size;
        }
        return (double) ns / events;
    }

    void stop() {
        processor.halt();
    }
}
