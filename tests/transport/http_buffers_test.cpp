#include "server/transport/http_buffers.hpp"

#include <gtest/gtest.h>

namespace tutti::transport {
namespace {

/// What a read that was under way brings.
void arrive(InputBuffer& buffer, std::span<char> room, std::string_view bytes) {
  bytes.copy(room.data(), room.size());
  buffer.received(bytes.size());
}

TEST(InputBufferTest, BytesThatAreConsumedDuringAReadDoNotMoveItsRoom) {
  InputBuffer buffer(64U * 1024);
  arrive(buffer, buffer.room(), "first");
  const auto under_way = buffer.room();
  buffer.consume(5);
  EXPECT_TRUE(buffer.empty());
  arrive(buffer, under_way, "second");
  EXPECT_EQ(buffer.view(), "second");
}

TEST(InputBufferTest, BytesThatAreClearedDuringAReadDoNotMoveItsRoom) {
  InputBuffer buffer(64U * 1024);
  arrive(buffer, buffer.room(), "first");
  const auto under_way = buffer.room();
  buffer.clear();
  arrive(buffer, under_way, "second");
  EXPECT_EQ(buffer.view(), "second");
}

TEST(InputBufferTest, RoomIsUsedAgainOnceAllIsConsumed) {
  InputBuffer buffer(64U * 1024);
  const char* const begin = buffer.room().data();
  arrive(buffer, buffer.room(), "first");
  buffer.consume(5);
  EXPECT_EQ(buffer.room().data(), begin);
}

}  // namespace
}  // namespace tutti::transport
