# SPDX-License-Identifier: BSD-3-Clause
#
# Sizes of files and functions. The house style puts a function's name at the
# start of a line and its braces in column 1, which is all this relies on.
# Octets and their length count as one parameter.

BEGIN {
	# Each of their parameters is a thing of its own, and a struct for them
	# would be filled in at a hundred places.
	wide["records_get"] = wide["records_get_failure"] = 1
	wide["writer_rrset"] = wide["minimise_next"] = 1
}

function report(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	failed++
}
FNR == 1 {
	if (NR > 1)
		end_of_file()
	files++
	body = 0
	head = ""
	first = $0
	if (first !~ /SPDX-License-Identifier: BSD-3-Clause/)
		report("the first line is not the SPDX line")
}
{ lines = FNR; last_file = FILENAME }
function end_of_file() {
	if (lines > 500) {
		printf "%s: %d lines, 500 are allowed\n", last_file, lines
		failed++
	}
}
# A head: from the name at the start of a line to the brace.
!body && head == "" && /^[a-z_][a-zA-Z0-9_]*\(/ {
	head = $0
	name = $0
	sub(/\(.*/, "", name)
	open_head = 1
	if ($0 ~ /;[ \t]*$/)
		head = ""
	next
}
!body && head != "" && !/^\{/ {
	head = head $0
	if ($0 ~ /;[ \t]*$/)
		head = ""
	next
}
/^\{/ && head != "" {
	parameters = head
	sub(/^[^(]*\(/, "", parameters)
	# Commas within the parameters of a function pointer do not count.
	while (sub(/\([^()]*\)/, "", parameters) > 0)
		;
	gsub(/,[ \t]*size_t [a-z_]*(len|size|bytes|count|max|n)[,)]/, ")",
	    parameters)
	if (gsub(/[,)]/, "&", parameters) > 5 && !(name in wide))
		report(name ": more than 5 parameters")
	body = FNR
	functions++
	head = ""
	next
}
/^\}/ && body {
	if (FNR - body - 1 > 60)
		report(name ": " FNR - body - 1 " lines, 60 are allowed")
	body = 0
	head = ""
}
END {
	end_of_file()
	if (functions == 0) {
		print "nothing was read"
		exit 1
	}
	printf "%d passed, %d failed\n", files + functions - failed, failed
	exit failed > 0
}
