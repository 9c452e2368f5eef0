#include "server/cli/transfer_bar.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "server/cli/doc_desk.hpp"
#include "server/cli/format.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace {

using std::chrono::steady_clock;
constexpr auto kDrawEvery = std::chrono::milliseconds(100);
constexpr auto kDrawAfter = std::chrono::milliseconds(300);  // what is over sooner needs no bar
constexpr int kBarCells = 24;
constexpr std::size_t kNameBytesMax = 32;

bool mayDraw(Stdout out) {
  if (::isatty(STDERR_FILENO) == 0 || fromEnvironment("TERM") == "dumb") return false;
  struct stat info {};
  return out == Stdout::Free || (::fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode));
}

/// Without the last column: a line that fills it wraps on some terminals.
std::size_t columnsToUse() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 79;
  return size.ws_col - 1U;
}

/// At most: a sign of three bytes or more may be two columns wide.
std::size_t widthOf(std::string_view text) {
  std::size_t columns = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) columns += byte >= 0xe0 ? 2 : 1;
  }
  return columns;
}

/// Where the last sign of `text`, which is not empty, begins.
std::size_t lastBegins(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}

std::string barOf(std::int64_t bytes, std::int64_t total) {
  const auto filled = static_cast<int>(kBarCells * bytes / total);
  return fmt::format(" [{:#<{}}{:-<{}}]", "", filled, "", kBarCells - filled);
}

/// The words from the left to the right, less what there is no room for: first the bar goes, then
/// the rate, then the size, and the name is cut.
std::string fitted(std::string name, const std::string& bar, const std::string& share,
                   const std::string& size, const std::string& rate, std::size_t columns) {
  const std::size_t named = widthOf(name) + share.size();
  if (named + bar.size() + size.size() + rate.size() <= columns)
    return name + bar + share + size + rate;
  if (named + size.size() + rate.size() <= columns) return name + share + size + rate;
  if (named + size.size() <= columns) return name + share + size;
  const std::string& rest = share.empty() ? size : share;
  while (!name.empty() && widthOf(name) + rest.size() > columns) name.resize(lastBegins(name));
  return name.empty() ? rest.substr(0, columns) : name + rest;
}

}  // namespace

TransferBar::TransferBar(std::string name, std::int64_t total, Stdout out)
    : name_(oneLine(name, kNameBytesMax)),
      total_(total),
      terminal_(mayDraw(out)),
      began_(steady_clock::now()),
      drawn_(began_) {}

TransferBar::~TransferBar() {
  if (!shown_) return;
  draw(steady_clock::now());
  std::fputc('\n', stderr);
}

void TransferBar::at(std::int64_t bytes) {
  bytes_ = bytes;
  if (!terminal_) return;
  const auto now = steady_clock::now();
  if (now - began_ < kDrawAfter || now - drawn_ < kDrawEvery) return;
  draw(now);
}

void TransferBar::draw(steady_clock::time_point now) {
  drawn_ = now;
  shown_ = true;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const auto rate =
      static_cast<std::int64_t>(static_cast<double>(bytes_) / std::max(seconds, 0.001));
  std::string bar;
  std::string share;
  if (total_ > 0) {
    const std::int64_t bytes = std::min(bytes_, total_);  // a file may grow meanwhile
    bar = barOf(bytes, total_);
    share = fmt::format(" {:3}%", 100 * bytes / total_);
  }
  const std::string line = fitted(name_, bar, share, "  " + sizeText(bytes_),
                                  "  " + sizeText(rate) + "/s", columnsToUse());
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
}

}  // namespace tutti::cli
