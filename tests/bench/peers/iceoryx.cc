/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * iceoryx (libiceoryx-posh-dev): loan, publish, take, the publisher waits for the subscriber. Its daemon, iox-roudi, owns
 * the memory: each cell starts one.
 */
#include "../peer.h"

#include <fcntl.h>
#include <grp.h>
#include <iceoryx_posh/popo/publisher.hpp>
#include <iceoryx_posh/popo/subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct peer peers[] = {
	{ .name = "iceoryx", .tests = USUAL_TESTS, .slots = { 256 }, .publish = { 1 }, .flags = BENCH_CROWDED },
};

struct message {
	alignas(8) char bytes[SIZE];
};

struct ring {
	uint32_t number;
	uint32_t slots;
};

struct port {
	iox::popo::Publisher<message> *publisher;
	iox::popo::Subscriber<message> *subscriber;
};

/* A datagram socket: who listens can be connected to. */
static bool daemon_listens()
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/roudi" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool listens = !connect(fd, (struct sockaddr *)&address, sizeof(address));

	close(fd);
	return listens;
}

static pid_t daemon_pid;

/* It cannot end in order, for the other side has left without a word: so what it leaves behind is removed here. */
static void stop_daemon()
{
	const struct group *group = getgrgid(getegid());

	signal(SIGCHLD, SIG_DFL);
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	shm_unlink("/iceoryx_mgmt");
	if (group)
		shm_unlink((std::string("/") + group->gr_name).c_str());
	unlink("/tmp/roudi");
}

static void start_daemon()
{
	int null = open("/dev/null", O_RDWR);

	bench_check(!daemon_listens()); /* somebody else's: not to be used, nor to be disturbed */
	unlink("/tmp/roudi");		/* of one that was killed: a runtime would take it for an answer */
	daemon_pid = fork();
	if (!daemon_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("iox-roudi", "iox-roudi", "--monitoring-mode", "off", NULL);
		_exit(127);
	}
	atexit(stop_daemon);
	while (!daemon_listens())
		sched_yield();
}

static struct ring *ring_create(const struct peer *, uint32_t)
{
	static uint32_t created;
	struct ring *ring = static_cast<struct ring *>(bench_shared(sizeof(struct ring)));

	ring->number = created++;
	ring->slots = peers[0].slots[0];
	if (!ring->number)
		start_daemon();
	return ring;
}

/* Waits for the daemon, and for the other side. */
static void port_open(struct port *port, struct ring *ring, enum role role)
{
	const iox::capro::IdString_t event{ iox::cxx::TruncateToCapacity, ring->number ? "back" : "there" };
	const iox::capro::ServiceDescription service{ "dmp", "bench", event };
	iox::popo::PublisherOptions sender;
	iox::popo::SubscriberOptions receiver;
	const char *name = (role == SENDER) ^ (ring->number != 0) ? "first" : "second";
	static bool started;

	iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kOff,
								 iox::log::LogLevelOutput::kHideLogLevel);
	if (!started)
		iox::runtime::PoshRuntime::initRuntime({ iox::cxx::TruncateToCapacity, name });
	started = true;
	sender.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
	receiver.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
	receiver.queueCapacity = ring->slots;
	if (role == SENDER)
		port->publisher = new iox::popo::Publisher<message>(service, sender);
	else
		port->subscriber = new iox::popo::Subscriber<message>(service, receiver);
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t)
{
	if (!seq)
		while (!port->publisher->hasSubscribers())
			bench_pause();
	for (;;) {
		auto loan = port->publisher->loan();

		if (loan.has_error())
			continue;
		message_fill(loan.value()->bytes, seq);
		loan.value().publish();
		return;
	}
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	auto taken = port->subscriber->take();

	if (taken.has_error())
		return 0;
	message_check(taken.value()->bytes, seq, verdict);
	return 1;
}

#include "../loops.h"
