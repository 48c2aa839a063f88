/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.WaitStrategy;

/** diamond: fizz and buzz, then both; they write flags into the event or, if reading only, the last divides again. */
final class DiamondTopology extends Topology<DiamondTopology.FizzBuzz> {
    static final class FizzBuzz {
        long value;
        boolean fizz;
        boolean buzz;
    }

    private enum Step { FIZZ, BUZZ, FIZZ_BUZZ }

    private static final class Writing extends Result implements EventHandler<FizzBuzz> {
        private final Step step;

        Writing(Step step) {
            this.step = step;
        }

        @Override
        public void onEvent(FizzBuzz event, long sequence, boolean endOfBatch) {
            switch (step) {
                case FIZZ: event.fizz = event.value % 3 == 0; break;
                case BUZZ: event.buzz = event.value % 5 == 0; break;
                case FIZZ_BUZZ: if (event.fizz && event.buzz) { value++; } break;
            }
            if (endOfBatch) {
                batches++;
            }
            if (sequence == last) {
                latch.countDown();
            }
        }
    }

    private static final class Reading extends Result implements EventHandler<FizzBuzz> {
        private final Step step;

        Reading(Step step) {
            this.step = step;
        }

        @Override
        public void onEvent(FizzBuzz event, long sequence, boolean endOfBatch) {
            switch (step) {
                case FIZZ: if (event.value % 3 == 0) { value++; } break;
                case BUZZ: if (event.value % 5 == 0) { value++; } break;
                case FIZZ_BUZZ: if (event.value % 3 == 0 && event.value % 5 == 0) { value++; } break;
            }
            if (endOfBatch) {
                batches++;
            }
            if (sequence == last) {
                latch.countDown();
            }
        }
    }

    DiamondTopology(boolean reading, int slots, WaitStrategy wait) {
        super(FizzBuzz::new, slots, wait);
        for (Step step : Step.values()) {
            Result handler = reading ? new Reading(step) : new Writing(step);

            if (step == Step.FIZZ_BUZZ) {
                addAfter(handler, Step.FIZZ.ordinal(), Step.BUZZ.ordinal());
            } else {
                add(handler);
            }
        }
        gate(Step.FIZZ_BUZZ.ordinal());
    }

    @Override
    void fill(FizzBuzz event, long i) {
        event.value = i;
    }

    @Override
    boolean isRight(Result result, long events) {
        return result != last() || result.value == (events + 14) / 15;
    }
}
