/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay.c - runs a fuzz target over the files of a folder, without libFuzzer.
 *
 * What fuzzing once found stays found: its inputs are kept as seeds, and
 * `make check` runs all of them in every build. Ends with the line
 * "N passed, 0 failed"; a target that fails stops the process.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define SEED_MAX_BYTES (1u << 20)

static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = malloc(SEED_MAX_BYTES);
	uint8_t *exact = NULL;
	size_t len;

	if (f == NULL || bytes == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		free(bytes);
		if (f != NULL)
			fclose(f);
		return -1;
	}
	len = fread(bytes, 1, SEED_MAX_BYTES, f);
	fclose(f);

	/* A block of just this size, so that reading past it is seen. */
	exact = malloc(len > 0 ? len : 1);
	if (exact != NULL) {
		memcpy(exact, bytes, len);
		(void)LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	free(bytes);
	return exact != NULL ? 0 : -1;
}

static int
run_folder(const char *folder, unsigned *passed, unsigned *failed)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[4096];

	if (d == NULL) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		return -1;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (run_file(path) == 0)
			++*passed;
		else
			++*failed;
	}
	closedir(d);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s folder...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		if (run_folder(argv[i], &passed, &failed) != 0)
			failed++;
	if (passed == 0)
		failed++; /* a folder without seeds tests nothing */
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}
