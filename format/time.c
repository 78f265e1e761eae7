/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/time.h"

#include <stdio.h>
#include <string.h>

#define SECONDS_PER_DAY INT64_C(86400)

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and
 * back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
	int64_t era;
	unsigned yoe, doy, doe;

	y -= m <= 2;
	era = y / 400;
	yoe = (unsigned)(y - era * 400);
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

static void civil_from_days(int64_t z, int *y, unsigned *m, unsigned *d)
{
	int64_t era;
	unsigned doe, yoe, doy, mp;

	z += 719468;
	era = z / 146097;
	doe = (unsigned)(z - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = (int)((int64_t)yoe + era * 400 + (*m <= 2));
}

static void format(int64_t time_ns, char sep, char ret[SFS_TIME_SIZE])
{
	int64_t s = time_ns / SFS_SECOND, ns = time_ns % SFS_SECOND;
	unsigned m, d, t = (unsigned)(s % SECONDS_PER_DAY);
	char fraction[12] = "";
	int y;

	civil_from_days(s / SECONDS_PER_DAY, &y, &m, &d);
	if (ns % 1000000 != 0)
		snprintf(fraction, sizeof(fraction), ".%09u", (unsigned)ns);
	else if (ns != 0)
		snprintf(fraction, sizeof(fraction), ".%03u",
			 (unsigned)(ns / 1000000));
	snprintf(ret, SFS_TIME_SIZE, "%04d-%02u-%02uT%02u%c%02u%c%02u%sZ",
		 y % 10000, m % 100, d % 100, t / 3600 % 100, sep, t / 60 % 60,
		 sep, t % 60, fraction);
}

void sfs_time_format(int64_t time_ns, char ret[SFS_TIME_SIZE])
{
	format(time_ns, ':', ret);
}

void sfs_time_format_name(int64_t time_ns, char ret[SFS_TIME_SIZE])
{
	format(time_ns, '-', ret);
}

/* Take exactly @n digits. */
static bool number(const char **s, unsigned n, unsigned *ret)
{
	unsigned v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (unsigned)(**s - '0');
	}
	*ret = v;
	return true;
}

static bool take(const char **s, const char *any)
{
	if (!**s || !strchr(any, **s))
		return false;
	(*s)++;
	return true;
}

static bool parse_date(const char **s, int64_t *ret_s)
{
	static const unsigned char length[] = { 31, 29, 31, 30, 31, 30,
						31, 31, 30, 31, 30, 31 };
	unsigned y, m, d;
	bool leap;

	if (!number(s, 4, &y) || !take(s, "-") || !number(s, 2, &m) ||
	    !take(s, "-") || !number(s, 2, &d))
		return false;
	leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
	if (y < 1970 || y > 2261 || m < 1 || m > 12 || d < 1 ||
	    d > length[m - 1] || (m == 2 && d == 29 && !leap))
		return false;
	*ret_s = days_from_civil(y, m, d) * SECONDS_PER_DAY;
	return true;
}

/* Up to nine digits behind a point; *ret_span is the last digit's weight. */
static bool parse_fraction(const char **s, int64_t *ret_ns, int64_t *ret_span)
{
	int64_t ns = 0, span = SFS_SECOND;
	unsigned v;

	while (span > 1 && number(s, 1, &v)) {
		span /= 10;
		ns += v * span;
	}
	*ret_ns = ns;
	*ret_span = span;
	return span < SFS_SECOND;
}

/* HH:MM[:SS[.F]]; the span is how long the text's last unit lasts. */
static bool parse_clock(const char **s, int64_t *ret_ns, int64_t *ret_span)
{
	unsigned h, m, sec = 0;
	int64_t ns = 0, span = 60 * SFS_SECOND;

	if (!number(s, 2, &h) || !take(s, ":-") || !number(s, 2, &m))
		return false;
	if ((**s == ':' || **s == '-') && (*s)[1] >= '0' && (*s)[1] <= '9' &&
	    (*s)[2] >= '0' && (*s)[2] <= '9' && (*s)[3] != ':') {
		take(s, ":-");
		if (!number(s, 2, &sec))
			return false;
		span = SFS_SECOND;
		if (take(s, ".") && !parse_fraction(s, &ns, &span))
			return false;
	}
	if (h > 23 || m > 59 || sec > 59)
		return false;
	*ret_ns = (h * INT64_C(3600) + m * INT64_C(60) + sec) * SFS_SECOND + ns;
	*ret_span = span;
	return true;
}

/* Z, +HH:MM, -HH:MM or the end. */
static bool parse_zone(const char **s, int64_t *ret_offset_s)
{
	unsigned h, m;
	char sign = **s;

	*ret_offset_s = 0;
	if (!sign || take(s, "Zz"))
		return !**s;
	if (!take(s, "+-") || !number(s, 2, &h) || !take(s, ":") ||
	    !number(s, 2, &m) || h > 23 || m > 59 || **s)
		return false;
	*ret_offset_s =
		(h * INT64_C(3600) + m * INT64_C(60)) * (sign == '-' ? -1 : 1);
	return true;
}

bool sfs_time_parse_user(const char *s, int64_t *ret_first_ns,
			 int64_t *ret_last_ns)
{
	int64_t date, clock = 0, zone = 0, first;
	int64_t span = SECONDS_PER_DAY * SFS_SECOND;

	if (!parse_date(&s, &date))
		return false;
	if (*s && (!take(&s, "Tt ") || !parse_clock(&s, &clock, &span) ||
		   !parse_zone(&s, &zone)))
		return false;
	first = (date - zone) * SFS_SECOND + clock;
	if (first < 0)
		return false;
	*ret_first_ns = first;
	*ret_last_ns = first + span - 1;
	return true;
}

bool sfs_time_parse(const char *s, int64_t *ret_ns)
{
	char back[SFS_TIME_SIZE];
	int64_t first, last;

	if (!sfs_time_parse_user(s, &first, &last))
		return false;
	sfs_time_format(first, back);
	if (strcmp(back, s) != 0)
		return false;
	*ret_ns = first;
	return true;
}
