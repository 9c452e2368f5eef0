// dump() writes what nlohmann's own serializer writes, byte for byte.
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "server/json/json.hpp"

namespace tutti::json {
namespace {

std::string byLibrary(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TEST(DumpTest, ValuesOfEachKindAreWrittenAsTheLibraryDoes) {
  for (const Json& value : {Json(),
                            Json(true),
                            Json(false),
                            Json(0),
                            Json(-1),
                            Json(1.0),
                            Json(-0.0),
                            Json(1e300),
                            Json(0.1),
                            Json(std::numeric_limits<double>::infinity()),
                            Json(std::numeric_limits<double>::quiet_NaN()),
                            Json(std::numeric_limits<std::int64_t>::min()),
                            Json(std::numeric_limits<std::uint64_t>::max()),
                            Json(""),
                            Json("a"),
                            Json::object(),
                            Json::array(),
                            Json{{"a", Json::object()}, {"b", Json::array()}, {"", nullptr}},
                            Json(Json::value_t::discarded),
                            Json::binary({1, 2, 3})})
    EXPECT_EQ(dump(value), byLibrary(value));
}

TEST(DumpTest, EveryByteInEveryPlaceOfAStringIsWrittenAsTheLibraryDoes) {
  for (int byte = 0; byte < 256; ++byte)
    for (const std::size_t before : {0U, 1U, 7U, 8U, 9U}) {
      const std::string text = std::string(before, 'x') + static_cast<char>(byte) + "yz";
      EXPECT_EQ(dump(Json(text)), byLibrary(Json(text))) << byte;
      EXPECT_EQ(dump(Json{{text, 1}}), byLibrary(Json{{text, 1}})) << byte;
    }
}

std::string randomText(std::mt19937& random) {
  constexpr const char* kPieces[] = {"plain text ",  "\n",       "\"",  "\\", "\b\f", "\x01",
                                     "\x7F",         "é",        "€",   "😀",  "\xC3", "\xE2\x82",
                                     "\xED\xA0\x80", "\xF0\x9F", "\x80"};
  std::string text;
  for (auto count = random() % 6; count > 0; --count)
    text += kPieces[random() % std::size(kPieces)];
  return text;
}

Json randomValue(std::mt19937& random, int levels) {
  Json value;
  switch (random() % (levels > 0 ? 6 : 4)) {
    case 0:
      return Json(static_cast<std::int64_t>(random()) - 2'000'000'000);
    case 1:
      return Json(static_cast<double>(random()) / 1000);
    case 2:
      return random() % 2 == 0 ? Json(nullptr) : Json(random() % 4 == 0);
    case 3:
      return Json(randomText(random));
    case 4:
      value = Json::array();
      for (auto count = random() % 4; count > 0; --count)
        value.push_back(randomValue(random, levels - 1));
      return value;
    default:
      value = Json::object();
      for (auto count = random() % 4; count > 0; --count)
        value[randomText(random)] = randomValue(random, levels - 1);
      return value;
  }
}

TEST(DumpTest, RandomTreesAreWrittenAsTheLibraryDoes) {
  std::mt19937 random(20261121);  // the same trees in every run
  for (int i = 0; i < 20'000; ++i) {
    const Json value = randomValue(random, 4);
    ASSERT_EQ(dump(value), byLibrary(value));
  }
}

TEST(DumpTest, DiscardedValuesMayBeAnything) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) discard(randomValue(random, 4));  // the sanitizers look on
}

}  // namespace
}  // namespace tutti::json
