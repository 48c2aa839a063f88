# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# What is in tests/: data for the Makefile.

# Linked into each device and stress test.
TEST_HELPERS := tests/helpers.c tests/raw.c tests/calls.c tests/attack.c tests/shell.c tests/dying.c tests/terminal.c tests/screen.c

# tests/unit: on the host, no kernel.
UNIT_TESTS := test_seq test_ring test_layout test_join test_claim test_wait test_barrier test_strategy test_observe \
	test_publish test_points test_hist test_liveness test_several_claim test_several_prefix test_several_run \
	test_counters_layout test_counters test_counted test_counted_wakes \
	test_aggregator test_metrics test_openmetrics test_strerror

# tests/device: against /dev/dmp, in a virtual machine.
DEVICE_TESTS := test_ioctl test_fields test_kinds test_rights test_quota test_map test_uring test_pages test_ring \
	test_lives test_member test_members test_policy test_hold test_held test_evict test_start test_wait \
	test_deadline test_poll test_epoll test_end test_scribble test_flow test_several test_several_wait \
	test_several_hole test_several_unseen test_several_scribble test_several_lies test_aborted test_tool \
	test_stream test_refusal test_holdup test_thread test_info test_claimer test_containers test_userns \
	test_require test_require_wait test_missing test_stalled test_liveness test_recovery test_sample test_stat \
	test_stat_again

# ... and those that load eBPF programs.
BPF_TESTS := test_latency test_tables test_trace test_nothing_more test_steps test_counters_map test_counters_last \
	test_trace_page test_export_maps test_wake_to_run

# tests/native: shared memory and files, on the host, no module.
NATIVE_HELPERS := tests/native/native.c
NATIVE_TESTS := test_shm test_shm_members test_shm_windows test_shm_order test_shm_wakes test_death test_race test_file \
	test_file_crash test_power_cut test_aggregated test_survey test_top test_export test_page

# ... and what every backend promises: on the host with shm and file, in a virtual machine with the module.
PROMISE_TESTS := test_promises test_sleep test_arguments test_differences test_counting test_counting_race

# ... and what takes several users, so root: in a virtual machine.
USER_TESTS := test_users test_survey_rights test_top_rights

# Of all these, what is built with AddressSanitizer as well: whose memory outlives whom.
ASAN_TESTS := unit/test_aggregator unit/test_metrics unit/test_openmetrics native/test_aggregated

# tests/stress: in a virtual machine, too; longer.
STRESS_TESTS := no_syscall exact_wakes lost_wake late_notify join_storm death every_step storm observer hostile

# tests/demo: programs of the demonstration.
TEST_TOOLS := count_syscalls
