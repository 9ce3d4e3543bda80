/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * commands.c - every command there is, once: the server finds its function
 * here, the tool its arguments, the help its text.
 */
#include "inside.h"

#include <string.h>

static const struct ctl_command commands[] = {
	{ .name = "status", .help = "What runs, since when, and how it does." },
	{ .name = "stats",
	    .arguments = { { "prom", CTL_FLAG } },
	    .help = "All counters. They are never reset. --prom: as text for "
		    "Prometheus." },
	{ .name = "servers",
	    .arguments = { { "zone", CTL_REQUIRED } },
	    .help = "The name servers of a zone, what is known of them, and "
		    "where the next question would go." },
	{ .name = "sites",
	    .help = "Where servers answer from, nearest first, and which "
		    "have moved lately." },
	{ .name = "trace",
	    .arguments = { { "name", CTL_REQUIRED }, { "type", CTL_OPTIONAL },
		{ "cold", CTL_FLAG } },
	    .help = "Resolves a name and tells each step; --cold does not "
		    "look into the cache." },
	{ .name = "anchors",
	    .help = "The trust anchors, and how their keys are rolled." },
	{ .name = "nta add",
	    .arguments = { { "zone", CTL_REQUIRED }, { "for", CTL_OPTIONAL },
		{ "reason", CTL_OPTIONAL } },
	    .help = "Does not validate a zone for a while: 1h unless given, "
		    "as 30m, 12h or 1d; at most 7d.",
	    .changes = true },
	{ .name = "nta del",
	    .arguments = { { "zone", CTL_REQUIRED } },
	    .help = "Validates it again.",
	    .changes = true },
	{ .name = "nta list",
	    .help = "The zones that are not validated, until when, and why." },
	{ .name = "flush",
	    .arguments = { { "what", CTL_REQUIRED }, { "name", CTL_OPTIONAL },
		{ "type", CTL_OPTIONAL } },
	    .help = "Forgets: name NAME, type NAME TYPE, zone NAME, "
		    "negative [NAME], servers, all.",
	    .changes = true },
	{ .name = "cache lookup",
	    .arguments = { { "name", CTL_REQUIRED } },
	    .help = "What is kept under a name, as lines of a zone file; what "
		    "is no record is a comment." },
	{ .name = "cache dump",
	    .arguments = { { "zone", CTL_OPTIONAL } },
	    .help = "The same for all names, or for those of a zone." },
	{ .name = "cache stats", .help = "How full the cache is." },
	{ .name = "cache save",
	    .arguments = { { "file", CTL_REQUIRED } },
	    .help = "Writes all records to a file that the daemon may write "
		    "to.",
	    .changes = true },
	{ .name = "cache load",
	    .arguments = { { "file", CTL_REQUIRED } },
	    .help = "Adds what was saved here or elsewhere, with the time "
		    "that is left of it; what is newer stays.",
	    .changes = true },
	{ .name = "config show",
	    .arguments = { { "origin", CTL_FLAG }, { "changed", CTL_FLAG } },
	    .help = "The configuration in force; --origin tells where each "
		    "value was set, --changed leaves out built-in ones." },
	{ .name = "reload",
	    .arguments = { { "dry-run", CTL_FLAG } },
	    .help = "Reads the configuration again; --dry-run only tells what "
		    "would change.",
	    .changes = true },
	{ .name = "health",
	    .help = "Exit code 0 when every thread answers, 1 when not." },
	{ .name = "loglevel",
	    .arguments = { { "level", CTL_REQUIRED } },
	    .help = "error, warn, info or debug, until the next reload.",
	    .changes = true },
	{ .name = "stop", .help = "Ends the daemon.", .changes = true },
	{ .name = NULL },
};

static void (*const functions[])(struct request *r) = {
	command_status,
	command_stats,
	command_servers,
	command_sites,
	command_trace,
	command_anchors,
	command_nta_add,
	command_nta_del,
	command_nta_list,
	command_flush,
	command_cache_lookup,
	command_cache_dump,
	command_cache_stats,
	command_cache_save,
	command_cache_load,
	command_config_show,
	command_reload,
	command_health,
	command_loglevel,
	command_stop,
};
_Static_assert(ARRAY_LEN(functions) + 1 == ARRAY_LEN(commands),
    "one function a command");

const struct ctl_command *
ctl_commands(void)
{
	return commands;
}

/* "config/show" is the command "config show". */
static bool
path_names(const char *path, const char *name)
{
	for (; *path != '\0' && *name != '\0'; path++, name++)
		if (*path != *name && !(*path == '/' && *name == ' '))
			return false;
	return *path == *name;
}

void (*command_function(const char *path, bool *changes))(struct request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (!path_names(path, commands[i].name))
			continue;
		*changes = commands[i].changes;
		return functions[i];
	}
	return NULL;
}
