#include "server/documents/time.hpp"

#include <chrono>
#include <cstdio>
#include <optional>

#include "server/base/clock.hpp"
#include "server/base/text.hpp"

namespace tutti::documents {
namespace {
using Micros = std::chrono::microseconds;

/// Reads from the front of a text.
struct Scanner {
  std::string_view rest;
  bool good = true;

  int digits(std::size_t count) {
    int number = 0;
    if (rest.size() < count) good = false;
    for (std::size_t i = 0; good && i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') good = false;
      number = number * 10 + (rest[i] - '0');
    }
    if (good) rest.remove_prefix(count);
    return number;
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(char c) { good = take(c) && good; }
};

/// Up to six digits count; more are cut off.
std::int64_t fraction(Scanner& scan) {
  std::int64_t micros = 0;
  std::int64_t unit = 100'000;
  if (scan.rest.empty() || scan.rest.front() < '0' || scan.rest.front() > '9') scan.good = false;
  while (!scan.rest.empty() && scan.rest.front() >= '0' && scan.rest.front() <= '9') {
    micros += unit * (scan.rest.front() - '0');
    unit /= 10;
    scan.rest.remove_prefix(1);
  }
  return micros;
}

/// Minutes east of Greenwich.
int offset(Scanner& scan) {
  if (scan.take('Z') || scan.take('z') || scan.rest.empty()) return 0;
  const int sign = scan.take('-') ? -1 : 1;
  if (sign == 1) scan.need('+');
  const int hours = scan.digits(2);
  scan.take(':');
  return sign * (hours * 60 + scan.digits(2));
}

std::optional<WallTime> parse(std::string_view text) {
  Scanner scan{text};
  const int year = scan.digits(4);
  scan.need('-');
  const int month = scan.digits(2);
  scan.need('-');
  const int day = scan.digits(2);
  std::int64_t micros = 0;
  if (scan.good && !scan.rest.empty()) {
    if (!scan.take('T') && !scan.take('t')) scan.need(' ');
    const int hour = scan.digits(2);
    scan.need(':');
    const int minute = scan.digits(2);
    const int second = scan.take(':') ? scan.digits(2) : 0;
    if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
    micros = ((hour * 60 + minute) * 60 + second) * std::int64_t{1'000'000};
    if (scan.take('.')) micros += fraction(scan);
    micros -= offset(scan) * std::int64_t{60'000'000};
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!scan.good || !scan.rest.empty() || !date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + Micros(micros);
}
}  // namespace

std::string earlier(const std::string& now, std::int64_t seconds) {
  const auto time = parse(now);
  return time ? isoTimestamp(*time - std::chrono::seconds(seconds)) : std::string();
}

Result<std::string> timestampFrom(std::string_view text) {
  if (const auto time = parse(text)) return isoTimestamp(*time);
  return Error(Code::InvalidArgument,
               "time '" + toValidUtf8(shortened(text, 60)) + "' cannot be understood",
               "write it like 2026-11-20T20:36:52+00:00 or 2026-11-20")
      .named("invalid_time");
}

}  // namespace tutti::documents
