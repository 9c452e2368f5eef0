// RFC 3339: dates, times and durations.
#include "server/json/schema/formats.hpp"
#include "server/json/schema/scanner.hpp"

namespace tutti::json::schema {
namespace {
bool isLeap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int daysIn(int year, int month) {
  if (month == 2) return isLeap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool takeDate(Scanner& in) {
  const int year = in.digits(4);
  if (year < 0 || !in.take('-')) return false;
  const int month = in.digits(2);
  if (month < 1 || month > 12 || !in.take('-')) return false;
  const int day = in.digits(2);
  return day >= 1 && day <= daysIn(year, month);
}

/// Minutes east of Greenwich in `offset`.
bool takeOffset(Scanner& in, int& offset) {
  if (in.take('Z')) return true;
  const bool west = in.peek() == '-';
  if (!in.take('+') && !in.take('-')) return false;
  const int hour = in.digits(2);
  if (hour < 0 || hour > 23 || !in.take(':')) return false;
  const int minute = in.digits(2);
  if (minute < 0 || minute > 59) return false;
  offset = (hour * 60 + minute) * (west ? -1 : 1);
  return true;
}

bool takeTime(Scanner& in) {
  constexpr int kDay = 24 * 60;
  const int hour = in.digits(2);
  if (hour < 0 || hour > 23 || !in.take(':')) return false;
  const int minute = in.digits(2);
  if (minute < 0 || minute > 59 || !in.take(':')) return false;
  const int second = in.digits(2);
  if (second < 0 || second > 60) return false;
  if (in.take('.') && in.skipDigits() == 0) return false;
  int offset = 0;
  if (!takeOffset(in, offset)) return false;
  // A leap second comes at the end of a day in UTC, wherever the clock stands.
  const int utc = (hour * 60 + minute - offset + kDay) % kDay;
  return second < 60 || utc == kDay - 1;
}

/// Numbers with the given units, in their order and without a gap. At least one.
bool takeUnits(Scanner& in, std::string_view units) {
  std::size_t next = 0;
  bool any = false;
  while (isAsciiDigit(in.peek())) {
    in.skipDigits();
    const char unit = in.peek();
    const std::size_t place = units.find(unit, next);
    if (unit == '\0' || place == units.npos || (any && place != next)) return false;
    in.take(unit);
    next = place + 1;
    any = true;
  }
  return any;
}
}  // namespace

bool isDate(std::string_view text) {
  Scanner in(text);
  return takeDate(in) && in.done();
}

bool isTime(std::string_view text) {
  Scanner in(text);
  return takeTime(in) && in.done();
}

bool isDateTime(std::string_view text) {
  Scanner in(text);
  return takeDate(in) && in.take('T') && takeTime(in) && in.done();
}

bool isDuration(std::string_view text) {
  if (text.size() < 3 || text[0] != 'P') return false;
  Scanner in(text.substr(1));
  if (text.back() == 'W') return in.skipDigits() > 0 && in.rest() == "W";
  if (in.peek() != 'T' && !takeUnits(in, "YMD")) return false;
  if (in.done()) return true;
  if (in.peek() != 'T') return false;
  Scanner time(in.rest().substr(1));
  return takeUnits(time, "HMS") && time.done();
}

}  // namespace tutti::json::schema
