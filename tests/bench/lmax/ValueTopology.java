/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.WaitStrategy;

/** one-to-one: one handler adds; one-to-three: three add, subtract and and. */
final class ValueTopology extends Topology<ValueTopology.Value> {
    static final class Value {
        long value;
    }

    private enum Operation { ADD, SUBTRACT, AND }

    /** One class for all, as in LMAX's tests: the call from the processor stays monomorphic. */
    private static final class Handler extends Result implements EventHandler<Value> {
        private final Operation operation;

        Handler(Operation operation) {
            this.operation = operation;
        }

        @Override
        public void onEvent(Value event, long sequence, boolean endOfBatch) {
            switch (operation) {
                case ADD: value += event.value; break;
                case SUBTRACT: value -= event.value; break;
                case AND: value &= event.value; break;
            }
            if (endOfBatch) {
                batches++;
            }
            if (sequence == last) {
                latch.countDown();
            }
        }

        long expected(long events) {
            long sum = events % 2 == 0 ? events / 2 * (events - 1) : (events - 1) / 2 * events;

            return operation == Operation.ADD ? sum : operation == Operation.SUBTRACT ? -sum : 0;
        }
    }

    ValueTopology(int handlers, int slots, WaitStrategy wait) {
        super(Value::new, slots, wait);
        for (int i = 0; i < handlers; i++) {
            add(new Handler(Operation.values()[i]));
        }
        gateAll();
    }

    @Override
    void fill(Value event, long i) {
        event.value = i;
    }

    @Override
    boolean isRight(Result result, long events) {
        return result.value == ((Handler) result).expected(events);
    }
}
