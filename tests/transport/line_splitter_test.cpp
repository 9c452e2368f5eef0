#include "server/transport/line_splitter.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace tutti::transport {
namespace {

void feed(LineSplitter& lines, std::string_view text) {
  while (!text.empty()) {
    const auto room = lines.room();
    const auto part = text.substr(0, room.size());
    std::memcpy(room.data(), part.data(), part.size());
    lines.received(part.size());
    text.remove_prefix(part.size());
  }
}

/// All lines there are, joined; an oversized one as "!".
std::string take(LineSplitter& lines) {
  std::string all;
  for (;;) {
    const auto item = lines.next();
    if (item.kind == LineSplitter::Kind::None) return all;
    all += item.kind == LineSplitter::Kind::Line ? std::string(item.text) : "!";
    all += ';';
  }
}

TEST(LineSplitterTest, LinesMayComeInAnyPieces) {
  for (std::size_t piece = 1; piece < 12; ++piece) {
    LineSplitter lines(100);
    const std::string text = "one\ntwo\r\n\n\r\nthree\nfour";
    std::string all;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      feed(lines, std::string_view(text).substr(at, piece));
      all += take(lines);
    }
    EXPECT_EQ(all, "one;two;three;") << piece;
    lines.finish();
    EXPECT_EQ(take(lines), "four;") << "the last line needs no newline";
    EXPECT_EQ(take(lines), "");
  }
}

TEST(LineSplitterTest, ALineIsTakenAtItsBoundAndSkippedAboveIt) {
  for (std::size_t piece : {1, 3, 64}) {
    LineSplitter lines(8);
    const std::string text = "12345678\n12345678\r\n123456789\nafter\n" + std::string(100, 'x') +
                             "\nlast\n" + std::string(20, 'y');
    std::string all;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      feed(lines, std::string_view(text).substr(at, piece));
      all += take(lines);
    }
    lines.finish();
    all += take(lines);
    EXPECT_EQ(all, "12345678;12345678;!;after;!;last;!;") << piece;
  }
}

TEST(LineSplitterTest, AnEndlessLineCostsNoMoreThanItsBound) {
  LineSplitter lines(1000);
  const std::string block(64 * 1024, 'x');
  for (int i = 0; i < 1000; ++i) {
    feed(lines, block);
    EXPECT_EQ(lines.next().kind, LineSplitter::Kind::None);
    EXPECT_LE(lines.room().size(), 256U * 1024);
  }
  feed(lines, "\nnext\n");
  EXPECT_EQ(take(lines), "!;next;");
}

}  // namespace
}  // namespace tutti::transport
