/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
import java.util.concurrent.CountDownLatch;

/** Lines of its own for what a handler counts, as LMAX's tests give it. */
class LeftPadding {
    long p1, p2, p3, p4, p5, p6, p7, p8;
}

class Counted extends LeftPadding {
    long value;
    long batches;
    long last;
    CountDownLatch latch;
}

class Result extends Counted {
    long p11, p12, p13, p14, p15, p16, p17, p18;

    /** Before a pass: the latch is counted down at sequence last. */
    void reset(CountDownLatch latch, long last) {
        this.latch = latch;
        this.last = last;
        value = 0;
        batches = 0;
    }
}
