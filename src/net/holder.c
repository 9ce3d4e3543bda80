/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holder.c - who has this port?
 *
 * For the line a person reads when the daemon cannot start. 1. The kernel's
 * socket tables give the inode of a socket that stands in the way. 2. Some
 * process has an open descriptor of that inode; only root sees those of
 * others. Everything here may fail, and then we say less.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hither/base.h>
#include <hither/net.h>

#define LINE_MAX_BYTES 512
#define TCP_LISTEN     0x0a
#define COMM_MAX       32

/* The address as the tables print it: words of four octets, host order. */
static bool
parse_ip(const char *hex, size_t words, struct addr *out)
{
	char word[9];
	uint32_t value;

	if (strlen(hex) != words * 8)
		return false;
	memset(out, 0, sizeof(*out));
	out->family = words == 4 ? 6 : 4;
	for (size_t i = 0; i < words; i++) {
		memcpy(word, hex + i * 8, 8);
		word[8] = '\0';
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(out->ip + i * 4, &value, sizeof(value));
	}
	return true;
}

/* Would binding a fail because of a socket at b? */
static bool
stands_in_the_way(const struct addr *a, const struct addr *b)
{
	if (a->port != b->port)
		return false;
	if (a->family != b->family) /* :: may have taken IPv4 as well */
		return b->family == 6 && addr_is_any(b);
	return addr_is_any(a) || addr_is_any(b) || addr_same_ip(a, b);
}

/* The inode of one table line if it is in a's way, else 0. */
static unsigned long
inode_in_line(const char *line, const struct addr *a, bool tcp)
{
	char ip[40];
	unsigned port, state;
	unsigned long inode;
	struct addr b;

	if (sscanf(line,
		" %*u: %39[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s"
		" %*u %*u %lu",
		ip, &port, &state, &inode) != 4)
		return 0;
	if (!parse_ip(ip, strlen(ip) / 8, &b) || (tcp && state != TCP_LISTEN))
		return 0;
	b.port = (uint16_t)port;
	return stands_in_the_way(a, &b) ? inode : 0;
}

static unsigned long
inode_in_table(const char *path, const struct addr *a, bool tcp)
{
	FILE *f = fopen(path, "re");
	char line[LINE_MAX_BYTES];
	unsigned long inode = 0;

	if (f == NULL)
		return 0;
	while (inode == 0 && fgets(line, sizeof(line), f) != NULL)
		inode = inode_in_line(line, a, tcp);
	(void)fclose(f);
	return inode;
}

static bool
process_has(const char *pid, const char *target)
{
	char path[64], link[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		const ssize_t n = readlinkat(dirfd(dir), entry->d_name, link,
		    sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		found = strcmp(link, target) == 0;
	}
	(void)closedir(dir);
	return found;
}

/* A process names itself: only printable characters get through. */
static void
process_name(const char *pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	(void)snprintf(name, size, "a process");
	(void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fgets(name, (int)size, f) == NULL)
		(void)snprintf(name, size, "a process");
	(void)fclose(f);
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

static bool
find_owner(unsigned long inode, char *buf, size_t size)
{
	char target[48], name[COMM_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir("/proc");

	if (dir == NULL)
		return false;
	(void)snprintf(target, sizeof(target), "socket:[%lu]", inode);
	while (!found && (entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !process_has(entry->d_name, target))
			continue;
		process_name(entry->d_name, name, sizeof(name));
		(void)snprintf(buf, size, "%s (pid %.20s)", name,
		    entry->d_name);
		found = true;
	}
	(void)closedir(dir);
	return found;
}

const char *
net_port_holder(const struct addr *a, bool tcp, char *buf, size_t size)
{
	unsigned long inode = 0;

	if (size == 0)
		return buf;
	if (a->family == 4)
		inode = inode_in_table(tcp ? "/proc/net/tcp" : "/proc/net/udp",
		    a, tcp);
	if (inode == 0)
		inode =
		    inode_in_table(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", a,
			tcp);
	if (inode == 0 || !find_owner(inode, buf, size))
		(void)snprintf(buf, size, "another process");
	return buf;
}
