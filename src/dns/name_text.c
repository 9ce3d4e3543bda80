/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * name_text.c - names as people write them (RFC 1035 section 5.1).
 *
 * Printing escapes whatever is not a visible ASCII character and whatever
 * means something in a zone file, so the text is safe in a log and reads back
 * to the same octets. Parsing takes \DDD and \X and refuses empty labels.
 */
#include <hither/dns.h>

#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One octet of a label at *text, past any escape; -1 when malformed. */
static int
octet_parse(const char **text)
{
	const char *p = *text;
	int value;

	if (*p != '\\') {
		*text = p + 1;
		return (uint8_t)*p;
	}
	p++;
	if (*p == '\0')
		return -1;
	if (!is_digit(*p)) {
		*text = p + 1;
		return (uint8_t)*p;
	}
	if (!is_digit(p[1]) || !is_digit(p[2]))
		return -1;
	value = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
	*text = p + 3;
	return value > 255 ? -1 : value;
}

/* The label at *text to out, which has `room`; 0 when malformed. */
static size_t
label_parse(const char **text, uint8_t *out, size_t room)
{
	size_t len = 0;

	while (**text != '\0' && **text != '.') {
		int octet = octet_parse(text);

		if (octet < 0 || len == 63 || len + 1 >= room)
			return 0;
		out[++len] = (uint8_t)octet;
	}
	out[0] = (uint8_t)len;
	return len;
}

enum err
name_parse(const char *text, struct name *out)
{
	struct name made;
	size_t at = 0;

	if (text[0] == '.' && text[1] == '\0') {
		out->wire[0] = 0;
		return ERR_OK;
	}
	do {
		size_t len;

		/* One octet is kept for the root's. */
		if (at + 2 >= NAME_MAX_BYTES)
			return ERR_FORMAT;
		len =
		    label_parse(&text, made.wire + at, NAME_MAX_BYTES - 1 - at);
		if (len == 0)
			return ERR_FORMAT;
		at += 1 + len;
		if (*text == '.')
			text++;
	} while (*text != '\0');
	made.wire[at++] = 0;
	memcpy(out->wire, made.wire, at);
	return ERR_OK;
}

static char *
octet_text(uint8_t c, char *p)
{
	if (c <= ' ' || c >= 0x7f) {
		*p++ = '\\';
		*p++ = (char)('0' + c / 100);
		*p++ = (char)('0' + c / 10 % 10);
		*p++ = (char)('0' + c % 10);
		return p;
	}
	if (strchr(".\\\"();@$", c) != NULL)
		*p++ = '\\';
	*p++ = (char)c;
	return p;
}

const char *
name_text(const uint8_t *n, char *buf)
{
	char *p = buf;

	if (*n == 0)
		*p++ = '.';
	for (; *n != 0; n += 1 + *n) {
		unsigned i;

		for (i = 1; i <= *n; i++)
			p = octet_text(n[i], p);
		*p++ = '.';
	}
	*p = '\0';
	return buf;
}
