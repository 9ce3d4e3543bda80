/* SPDX-License-Identifier: BSD-3-Clause */
/* What cppcheck has to know of jansson, whose headers it does not read. */
#define json_array_foreach(a, i, v)                                            \
	for (i = 0; (v = json_array_get(a, i)) != 0; i++)
#define json_object_foreach(o, k, v)                                           \
	for (k = key_of(o); k != 0 && (v = value_of(k)) != 0; k = key_of(o))
