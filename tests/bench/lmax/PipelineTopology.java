/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.WaitStrategy;

/** pipeline: three steps in a chain; each writes its result into the event or, if reading only, computes it again. */
final class PipelineTopology extends Topology<PipelineTopology.Function> {
    private static final long OPERAND_TWO = 777;

    static final class Function {
        long operandOne;
        long operandTwo;
        long stepOneResult;
        long stepTwoResult;
    }

    private enum Step { ONE, TWO, THREE }

    private static final class Writing extends Result implements EventHandler<Function> {
        private final Step step;

        Writing(Step step) {
            this.step = step;
        }

        @Override
        public void onEvent(Function event, long sequence, boolean endOfBatch) {
            switch (step) {
                case ONE: event.stepOneResult = event.operandOne + event.operandTwo; break;
                case TWO: event.stepTwoResult = event.stepOneResult + 3; break;
                case THREE: if ((event.stepTwoResult & 4) == 4) { value++; } break;
            }
            if (endOfBatch) {
                batches++;
            }
            if (sequence == last) {
                latch.countDown();
            }
        }
    }

    private static final class Reading extends Result implements EventHandler<Function> {
        private final Step step;

        Reading(Step step) {
            this.step = step;
        }

        @Override
        public void onEvent(Function event, long sequence, boolean endOfBatch) {
            long one = event.operandOne + event.operandTwo;

            switch (step) {
                case ONE: value += one; break;
                case TWO: value += one + 3; break;
                case THREE: if ((one + 3 & 4) == 4) { value++; } break;
            }
            if (endOfBatch) {
                batches++;
            }
            if (sequence == last) {
                latch.countDown();
            }
        }
    }

    PipelineTopology(boolean reading, int slots, WaitStrategy wait) {
        super(Function::new, slots, wait);
        for (Step step : Step.values()) {
            addAfter(reading ? new Reading(step) : new Writing(step), step.ordinal() - 1);
        }
        gate(Step.THREE.ordinal());
    }

    @Override
    void fill(Function event, long i) {
        event.operandOne = i;
        event.operandTwo = OPERAND_TWO - i;
    }

    @Override
    boolean isRight(Result result, long events) {
        return result != last() || result.value == ((OPERAND_TWO + 3 & 4) == 4 ? events : 0);
    }
}
