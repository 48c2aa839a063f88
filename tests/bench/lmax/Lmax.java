/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import java.util.Locale;

/**
 * LMAX's Disruptor in the cells of tests/bench/bench.h: without arguments it lists them, with TEST PEER SIZE SLOTS
 * PUBLISH it measures one. BENCH_MS: as for the others; it runs passes until everything is compiled and warm, then
 * measures one.
 *
 * lmax-yield and lmax-spin are as in LMAX's own performance tests: handlers write their results into the events.
 * lmax-yield-read: handlers only read, as consumers of dmp do.
 */
public final class Lmax {
    private static final String[] CELLS = {
        "one-to-one lmax-spin 8 65536 1", "one-to-one lmax-spin 8 65536 10",
        "one-to-one lmax-yield 8 65536 1", "one-to-one lmax-yield 8 65536 10",
        "one-to-three lmax-yield 8 8192 1", "one-to-three lmax-yield 8 8192 10",
        "pipeline lmax-yield 16 8192 1", "pipeline lmax-yield 16 8192 10",
        "pipeline lmax-yield-read 16 8192 1", "pipeline lmax-yield-read 16 8192 10",
        "diamond lmax-yield 8 8192 1", "diamond lmax-yield 8 8192 10",
        "diamond lmax-yield-read 8 8192 1", "diamond lmax-yield-read 8 8192 10",
        "burst-pause-0us lmax-spin 8 256 1", "burst-pause-0us lmax-spin 8 256 10",
        "burst-pause-0us lmax-spin 8 256 100",
        "burst-pause-1us lmax-spin 8 256 1", "burst-pause-1us lmax-spin 8 256 10",
        "burst-pause-1us lmax-spin 8 256 100",
        "burst-pause-10us lmax-spin 8 256 1", "burst-pause-10us lmax-spin 8 256 10",
        "burst-pause-10us lmax-spin 8 256 100",
    };

    private static final int BUDGETS = 4; // as topology.c
    private static final int PASSES_MIN = 5;
    private static final long WARM_NS = 700_000_000;
    private static final long FIRST_EVENTS = 1_000_000;
    private static final long EVENTS_STEP = 1000; // a multiple of each publish

    private Lmax() { }

    private static long budget() {
        String ms = System.getenv("BENCH_MS");

        return (ms == null ? 60 : Long.parseLong(ms)) * 1_000_000;
    }

    private static Topology<?> topology(String test, String peer, int slots) {
        boolean reading = peer.endsWith("-read");
        WaitStrategy wait = peer.startsWith("lmax-spin") ? new BusySpinWaitStrategy() : new YieldingWaitStrategy();

        switch (test) {
            case "one-to-one": return new ValueTopology(1, slots, wait);
            case "one-to-three": return new ValueTopology(3, slots, wait);
            case "pipeline": return new PipelineTopology(reading, slots, wait);
            default: return new DiamondTopology(reading, slots, wait);
        }
    }

    /** How many events take the budget, once passes have run for long enough. */
    private static long warmUp(Topology<?> topology, int publish) throws Exception {
        long events = FIRST_EVENTS, total = 0;

        for (int i = 0; i < PASSES_MIN || total < WARM_NS; i++) {
            long ns = topology.pass(events, publish);

            total += ns;
            events = Math.max(1, (long) ((double) events * BUDGETS * budget() / ns) / EVENTS_STEP) * EVENTS_STEP;
        }
        return events;
    }

    private static void measureTopology(String test, String peer, int slots, int publish) throws Exception {
        Topology<?> topology = topology(test, peer, slots);
        long events = warmUp(topology, publish);
        long ns = topology.pass(events, publish);

        System.out.printf(Locale.ROOT, "value=%.6g unit=M/s batch=%.4g%n", events * 1e3 / ns,
                topology.meanBatch(events));
    }

    private static void measureBurst(String test, int slots, int size) {
        long pause = Long.parseLong(test.replaceAll("[^0-9]", "")) * 1000;
        Burst burst = new Burst(slots, size, pause);

        burst.run(WARM_NS);
        System.out.printf(Locale.ROOT, "value=%.6g unit=ns%n", burst.run(budget()));
        burst.stop();
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            for (String cell : CELLS) {
                System.out.println(cell);
            }
            return;
        }
        if (!java.util.Arrays.asList(CELLS).contains(String.join(" ", args))) {
            System.err.println("lmax: no such cell; without arguments it lists them");
            System.exit(1);
        }
        int slots = Integer.parseInt(args[3]), publish = Integer.parseInt(args[4]);
        if (args[0].startsWith("burst")) {
            measureBurst(args[0], slots, publish);
        } else {
            measureTopology(args[0], args[1], slots, publish);
        }
    }
}
