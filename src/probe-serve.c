/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe-serve.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/cleanup.h"
#include "src/io.h"
#include "src/log.h"
#include "src/probe-confine.h"

/* The child's exit statuses, which a sanitizer's (1, 66) are not. */
#define EXIT_UNCONFINED 70
#define EXIT_FAILED	71

/* Copied at a time.  A piece with damage in it is left out, so: small. */
#define COPY_PIECE 4096

struct server {
	struct sfs_view *view;
	uint64_t size; /* of the disk */
	int socket;
	int copy;
	int64_t deadline_ns;
	uint64_t requests;
	uint64_t copied;
	void *result;
	size_t result_size;
	const char *why; /* the child is to be ended for that, or NULL */
};

/* ---- the child ---- */

static _Noreturn void run_child(const struct server *server, int socket,
				sfs_disk_user *user)
{
	struct sfs_disk *disk;
	void *result;

	if (sfs_confine(socket, server->copy) < 0)
		_exit(EXIT_UNCONFINED);
	disk = sfs_calloc(1, sizeof(*disk));
	result = sfs_calloc(1, server->result_size);
	if (!disk || !result)
		_exit(EXIT_FAILED);
	disk->socket = SFS_CONFINE_SOCKET;
	disk->copy = SFS_CONFINE_FILE;
	disk->size = server->size;
	if (user(disk, result) < 0 ||
	    sfs_disk_finish(disk, result, server->result_size) < 0)
		_exit(EXIT_FAILED);
	_exit(0);
}

/* ---- answering ---- */

/* 0 when the time is over. */
static int wait_for_message(const struct server *server)
{
	struct pollfd socket = { .fd = server->socket, .events = POLLIN };
	int64_t left_ns;
	int r;

	do {
		left_ns = server->deadline_ns - sfs_monotonic_ns();
		if (left_ns <= 0)
			return 0;
		r = poll(&socket, 1, (int)(left_ns / 1000000) + 1);
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : 1;
}

static int answer(struct server *server, int error, const void *bytes,
		  size_t size)
{
	struct sfs_disk_answer head = {
		.error = error,
		.size = (uint32_t)size,
	};
	struct iovec iov[2] = {
		{ &head, sizeof(head) },
		{ (void *)(uintptr_t)bytes, size },
	};
	const struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

	/* There is room, unless it asks without listening. */
	if (sendmsg(server->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return 0; /* the next receive says that it has gone */
	if (errno != EAGAIN)
		return -errno;
	server->why = "asked without listening";
	return 0;
}

static int answer_read(struct server *server,
		       const struct sfs_disk_request *request)
{
	uint8_t bytes[SFS_DISK_READ_MAX];
	size_t size = 0;
	int r;

	if (request->size > sizeof(bytes)) {
		server->why = "asked for too much";
		return 0;
	}
	r = sfs_view_pread(server->view, bytes, request->size, request->offset,
			   &size);
	return answer(server, r, bytes, r < 0 ? 0 : size);
}

/* One piece into the copy; *error is of reading. */
static int copy_piece(struct server *server, uint64_t offset, size_t want,
		      int *error)
{
	uint8_t bytes[COPY_PIECE];
	size_t size = 0;
	int r;

	r = sfs_view_pread(server->view, bytes, want, offset, &size);
	if (r < 0) {
		*error = r;
		return 0;
	}
	return sfs_io_pwrite(server->copy, bytes, size, offset);
}

static int answer_copy(struct server *server,
		       const struct sfs_disk_request *request)
{
	uint64_t done, part;
	int error = 0;
	int r;

	server->copied += request->size;
	if (request->size > SFS_DISK_COPY_MAX ||
	    request->offset > server->size ||
	    request->size > server->size - request->offset ||
	    server->copied > SFS_DISK_COPIED_MAX) {
		server->why = "asked for too much";
		return 0;
	}
	for (done = 0; done < request->size; done += part) {
		part = sfs_min(request->size - done, COPY_PIECE);
		r = copy_piece(server, request->offset + done, part, &error);
		if (r < 0)
			return r;
	}
	return answer(server, error, NULL, 0);
}

/* Returns 1 with the result. */
static int handle(struct server *server, const struct sfs_disk_request *request,
		  size_t more)
{
	if (request->kind == SFS_DISK_RESULT && more == server->result_size)
		return 1;
	if (++server->requests > SFS_DISK_REQUESTS_MAX) {
		server->why = "asked too often";
		return 0;
	}
	if (request->kind == SFS_DISK_READ && more == 0)
		return answer_read(server, request);
	if (request->kind == SFS_DISK_COPY && more == 0)
		return answer_copy(server, request);
	server->why = "asked for what there is not";
	return 0;
}

/* One message, waited for.  *ret_gone: nothing more will come. */
static int receive(struct server *server, struct sfs_disk_request *ret,
		   size_t *ret_more, bool *ret_gone)
{
	struct iovec iov[2] = {
		{ ret, sizeof(*ret) },
		{ server->result, server->result_size },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	n = recvmsg(server->socket, &message, MSG_DONTWAIT);
	if (n < 0 && errno != ECONNRESET)
		return -errno;
	*ret_gone = n <= 0;
	if (*ret_gone)
		return 0;
	if ((size_t)n < sizeof(*ret) || message.msg_flags & MSG_TRUNC) {
		server->why = "asked for what there is not";
		return 0;
	}
	*ret_more = (size_t)n - sizeof(*ret);
	return 0;
}

/* Until there is the result (1), or will be none (0). */
static int serve(struct server *server)
{
	struct sfs_disk_request request;
	bool gone = false;
	size_t more = 0;
	int r = 0;

	while (r == 0 && !server->why) {
		r = wait_for_message(server);
		if (r == 0)
			server->why = "took too long";
		if (r <= 0)
			return r;
		r = receive(server, &request, &more, &gone);
		if (r < 0 || gone)
			return r;
		if (!server->why)
			r = handle(server, &request, more);
	}
	return r;
}

/* ---- the whole ---- */

static int make_copy(struct server *server)
{
	server->copy = memfd_create("snapfs-probe", MFD_CLOEXEC);
	if (server->copy < 0 ||
	    ftruncate(server->copy, (off_t)server->size) < 0)
		return -errno;
	return 0;
}

static int start_child(struct server *server, sfs_disk_user *user, pid_t *ret)
{
	CLEANUP_CLOSE int theirs = -1;
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	server->socket = sockets[0];
	theirs = sockets[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(server, theirs, user);
	*ret = pid;
	return 0;
}

/* If it is not at its end, it is now. */
static int end_child(pid_t pid, int *ret_status)
{
	pid_t ended;

	kill(pid, SIGKILL);
	do
		ended = waitpid(pid, ret_status, 0);
	while (ended < 0 && errno == EINTR);
	return ended < 0 ? -errno : 0;
}

static void say_why(const char *why, int status, char ret[SFS_DISK_WHY_SIZE])
{
	const char *name;

	if (why) {
		snprintf(ret, SFS_DISK_WHY_SIZE, "%s", why);
	} else if (WIFSIGNALED(status)) {
		name = sigdescr_np(WTERMSIG(status));
		snprintf(ret, SFS_DISK_WHY_SIZE, "died of signal %d (%s)",
			 WTERMSIG(status), name ? name : "unknown");
	} else if (WEXITSTATUS(status) == EXIT_UNCONFINED) {
		snprintf(ret, SFS_DISK_WHY_SIZE,
			 "could not give up its privileges");
	} else {
		snprintf(ret, SFS_DISK_WHY_SIZE, "ended with status %d",
			 WEXITSTATUS(status));
	}
}

static int run(struct server *server, sfs_disk_user *user,
	       char reterr_why[SFS_DISK_WHY_SIZE])
{
	int status = 0;
	pid_t pid = -1;
	int r, e;

	r = make_copy(server);
	if (r < 0)
		return r;
	r = start_child(server, user, &pid);
	if (r < 0)
		return r;
	r = serve(server);
	e = end_child(pid, &status);
	if (r < 0 || e < 0)
		return r < 0 ? r : e;
	if (r == 0)
		say_why(server->why, status, reterr_why);
	return r;
}

int sfs_disk_serve(struct sfs_view *view, sfs_disk_user *user, int64_t time_ns,
		   void *ret_result, size_t size,
		   char reterr_why[SFS_DISK_WHY_SIZE])
{
	CLEANUP_FREE void *result = NULL;
	struct server server = {
		.view = view,
		.size = sfs_view_snapshot(view)->size,
		.socket = -1,
		.copy = -1,
		.deadline_ns = sfs_monotonic_ns() + time_ns,
		.result_size = size,
	};
	int r;

	assert(size <= SFS_DISK_RESULT_MAX);
	result = sfs_calloc(1, size);
	if (!result)
		return -ENOMEM;
	server.result = result;
	r = run(&server, user, reterr_why);
	sfs_closep(&server.socket);
	sfs_closep(&server.copy);
	if (r < 0)
		sfs_err("'%s': looking at what is on it failed: %s",
			sfs_view_snapshot(view)->id, strerror(-r));
	else if (r > 0)
		memcpy(ret_result, result, size);
	return r;
}
