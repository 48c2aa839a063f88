/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventFactory;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.YieldingWaitStrategy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;

/**
 * LMAX's Disruptor with several producers, in the cells of tests/bench/producers.h: its own three-to-one, one by one and
 * ten at a time, and by number of producers, with events of one long or seven. As there the handler reads all of every
 * event and checks the order per producer, where LMAX's test adds. Passes until everything is warm, then one that counts:
 * see Lmax.java. lmax-spin: as LMAX's own test; lmax-yield: the handler yields.
 */
public final class Producers {
    private static final int PRODUCER_SHIFT = 56;
    private static final long STEP = 0x9e3779b97f4a7c15L; // from word to word: message.h
    private static final int BUDGETS = 4;
    private static final int PASSES_MIN = 3;
    private static final long WARM_NS = 700_000_000;
    private static final long FIRST_EVENTS = 160_000; // of each producer
    private static final long EVENTS_STEP = 160; // a multiple of each publish

    /** Only one of its kinds is ever loaded: the calls are as direct as LMAX's. */
    private abstract static class Event {
        abstract void fill(long sequence);

        abstract long wrong(long sequence);

        abstract long first();
    }

    private static final class Narrow extends Event {
        private long word;

        @Override
        void fill(long sequence) {
            word = sequence;
        }

        @Override
        long wrong(long sequence) {
            return word ^ sequence;
        }

        @Override
        long first() {
            return word;
        }
    }

    private static final class Wide extends Event {
        private long a, b, c, d, e, f, g;

        @Override
        void fill(long sequence) {
            a = sequence;
            b = sequence + STEP;
            c = sequence + 2 * STEP;
            d = sequence + 3 * STEP;
            e = sequence + 4 * STEP;
            f = sequence + 5 * STEP;
            g = sequence + 6 * STEP;
        }

        @Override
        long wrong(long sequence) {
            return (a ^ sequence) | (b ^ (sequence + STEP)) | (c ^ (sequence + 2 * STEP)) | (d ^ (sequence + 3 * STEP))
                    | (e ^ (sequence + 4 * STEP)) | (f ^ (sequence + 5 * STEP)) | (g ^ (sequence + 6 * STEP));
        }

        @Override
        long first() {
            return a;
        }
    }

    private static final class Handler extends Result implements EventHandler<Event> {
        private final long[] next = new long[256];

        void begin(int producers) {
            for (int i = 0; i < producers; i++) {
                next[i] = (long) i << PRODUCER_SHIFT;
            }
        }

        @Override
        public void onEvent(Event event, long sequence, boolean endOfBatch) {
            value |= event.wrong(next[(int) (event.first() >>> PRODUCER_SHIFT)]++);
            if (endOfBatch) {
                batches++;
            }
            if (sequence == last) {
                latch.countDown();
            }
        }
    }

    private final int producers;
    private final RingBuffer<Event> ring;
    private final Handler handler = new Handler();
    private final BatchEventProcessor<Event> processor;

    private Producers(int producers, int size, int slots, boolean spin) {
        EventFactory<Event> factory = size == 8 ? Narrow::new : Wide::new;

        this.producers = producers;
        ring = RingBuffer.createMultiProducer(factory, slots, spin ? new BusySpinWaitStrategy() : new YieldingWaitStrategy());
        processor = new BatchEventProcessor<>(ring, ring.newBarrier(), handler);
        ring.addGatingSequences(processor.getSequence());
    }

    private void publishEach(long first, long events) {
        for (long i = first; i < first + events; i++) {
            long sequence = ring.next();

            ring.get(sequence).fill(i);
            ring.publish(sequence);
        }
    }

    private void publishBatches(long first, long events, int publish) {
        for (long i = first; i < first + events; i += publish) {
            long high = ring.next(publish);
            long low = high - (publish - 1);

            for (long sequence = low; sequence <= high; sequence++) {
                ring.get(sequence).fill(i + (sequence - low));
            }
            ring.publish(low, high);
        }
    }

    private void produce(CyclicBarrier start, int producer, long events, int publish) {
        long first = (long) producer << PRODUCER_SHIFT;

        try {
            start.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        if (publish == 1) {
            publishEach(first, events);
        } else {
            publishBatches(first, events, publish);
        }
    }

    /** Nanoseconds from when all are there until the handler has seen the last of so many events of each producer. */
    private long pass(long events, int publish) throws Exception {
        CyclicBarrier start = new CyclicBarrier(producers + 1);
        CountDownLatch latch = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();

        handler.begin(producers);
        handler.reset(latch, ring.getCursor() + events * producers);
        for (int i = 0; i < producers; i++) {
            int producer = i;

            threads.add(new Thread(() -> produce(start, producer, events, publish)));
        }
        threads.add(new Thread(processor));
        threads.forEach(Thread::start);
        start.await();
        long began = System.nanoTime();
        latch.await();
        long ns = System.nanoTime() - began;
        stop(threads);
        if (handler.value != 0) {
            throw new IllegalStateException("an event was lost, torn, seen twice or out of order");
        }
        return ns;
    }

    private void stop(List<Thread> threads) throws InterruptedException {
        processor.halt();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static long budget() {
        String ms = System.getenv("BENCH_MS");

        return (ms == null ? 60 : Long.parseLong(ms)) * 1_000_000;
    }

    private static void measure(Producers ring, int publish) throws Exception {
        long events = FIRST_EVENTS, total = 0, ns = 0;

        for (int i = 0; i < PASSES_MIN || total < WARM_NS; i++) {
            ns = ring.pass(events, publish);
            total += ns;
            events = Math.max(1, (long) ((double) events * BUDGETS * budget() / ns) / EVENTS_STEP) * EVENTS_STEP;
        }
        ns = ring.pass(events, publish);
        System.out.printf(Locale.ROOT, "value=%.6g unit=M/s batch=%.4g%n", events * ring.producers * 1e3 / ns,
                (double) events * ring.producers / ring.handler.batches);
    }

    private static List<String> cells() {
        List<String> cells = new ArrayList<>();

        for (int publish : new int[] {1, 10}) {
            cells.add("three-to-one lmax-spin 8 65536 " + publish);
            cells.add("three-to-one lmax-yield 8 65536 " + publish);
        }
        for (int producers : new int[] {1, 2, 4, 8}) {
            for (int size : new int[] {8, 56}) {
                for (int publish : new int[] {1, 8, 32}) {
                    cells.add("producers-" + producers + " lmax-yield " + size + " 65536 " + publish);
                }
            }
        }
        return cells;
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            cells().forEach(System.out::println);
            return;
        }
        if (!cells().contains(String.join(" ", args))) {
            System.err.println("lmax: no such cell; without arguments it lists them");
            System.exit(1);
        }
        int producers = args[0].equals("three-to-one") ? 3 : Integer.parseInt(args[0].replaceAll("[^0-9]", ""));
        int size = Integer.parseInt(args[2]), slots = Integer.parseInt(args[3]);

        measure(new Producers(producers, size, slots, args[1].equals("lmax-spin")), Integer.parseInt(args[4]));
    }
}
