// Edits, ranges and differences against simple models over Unicode.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>

#include "server/base/text.hpp"
#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

/// A text as its characters: what offsets count.
using Characters = std::vector<std::string>;

std::string joinedText(const Characters& characters, std::size_t from, std::size_t to) {
  std::string text;
  for (std::size_t i = from; i < to; ++i) text += characters[i];
  return text;
}
std::string joinedText(const Characters& characters) {
  return joinedText(characters, 0, characters.size());
}

class TextTest : public ::testing::Test {
 protected:
  Characters characters(std::size_t count_max) {
    // Also what makes one with what is beside it, and counts for itself all the same.
    const char* kAlphabet[] = {
        "a", "b", "\n", "\r", "ä", "€", "😀", "\u200d", "\U0010ffff", "e\xcc\x81" /* two */, "中"};
    Characters all(random() % (count_max + 1));
    for (std::string& one : all) {
      one = kAlphabet[random() % std::size(kAlphabet)];
      if (one == "e\xcc\x81") one = random() % 2 == 0 ? "e" : "\xcc\x81";
    }
    return all;
  }
  std::mt19937 random{20261121};
};

TEST_F(TextTest, RangesAreThoseOfTheCharactersHoweverTheTextComesInPieces) {
  for (int i = 0; i < 3000; ++i) {
    const Characters all = characters(40);
    const std::string text = joinedText(all);
    const auto offset = static_cast<std::int64_t>(random() % 50) - 5;
    std::optional<std::int64_t> limit;
    if (random() % 4 != 0) limit = static_cast<std::int64_t>(random() % 50) - 5;
    RangeFinder finder({offset, limit});
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 7, text.size() - at);
      finder.add(std::string_view(text).substr(at, size));
      at += size;
    }
    const FoundRange found = finder.found();
    const auto count = static_cast<std::int64_t>(all.size());
    const std::int64_t start = std::clamp<std::int64_t>(offset, 0, count);
    const std::int64_t end = limit ? std::clamp<std::int64_t>(std::max<std::int64_t>(offset, 0) +
                                                                  std::max<std::int64_t>(*limit, 0),
                                                              start, count)
                                   : count;
    ASSERT_EQ(found.characters_total, count);
    ASSERT_EQ(found.characters_start, start);
    ASSERT_EQ(found.characters_end, end);
    ASSERT_EQ(text.substr(static_cast<std::size_t>(found.bytes_start),
                          static_cast<std::size_t>(found.bytes_end - found.bytes_start)),
              joinedText(all, static_cast<std::size_t>(start), static_cast<std::size_t>(end)));
  }
}

TEST_F(TextTest, EditsByPositionReplaceCharacters) {
  for (int i = 0; i < 3000; ++i) {
    const Characters all = characters(30);
    const std::string with = joinedText(characters(5));
    const auto offset = random() % 35;
    const auto length = random() % 10;
    const auto edited = applyEdit(joinedText(all), {with, {}, false, offset, length});
    if (offset > all.size()) {
      ASSERT_EQ(edited.error().name(), "offset_out_of_range");
      ASSERT_EQ(edited.error().message(), "offset " + std::to_string(offset) +
                                              " exceeds document length " +
                                              std::to_string(all.size()));
      continue;
    }
    if (offset + length > all.size()) {
      ASSERT_EQ(edited.error().name(), "range_out_of_range");
      continue;
    }
    ASSERT_TRUE(edited.ok()) << edited.error().text();
    ASSERT_EQ(edited->text,
              joinedText(all, 0, offset) + with + joinedText(all, offset + length, all.size()));
    ASSERT_TRUE(isValidUtf8(edited->text));
  }
}

TEST_F(TextTest, EditsByWordsReplaceWhatAScanFromTheLeftFinds) {
  for (int i = 0; i < 3000; ++i) {
    const Characters all = characters(30);
    Characters words = characters(2);
    if (words.empty()) words = {"a"};
    const std::string with = joinedText(characters(3));
    std::string expected;
    std::int64_t count = 0;
    for (std::size_t at = 0; at < all.size();) {
      const bool here =
          at + words.size() <= all.size() &&
          std::equal(words.begin(), words.end(), all.begin() + static_cast<std::ptrdiff_t>(at));
      expected += here ? with : all[at];
      count += here ? 1 : 0;
      at += here ? words.size() : 1;
    }
    const bool every = random() % 2 == 0;
    const auto edited = applyEdit(joinedText(all), {with, joinedText(words), every, {}, {}});
    if (count == 0) {
      ASSERT_EQ(edited.error().message(), "old_string not found in document");
    } else if (count > 1 && !every) {
      ASSERT_EQ(edited.error().message(),
                "old_string matches " + std::to_string(count) +
                    " times; use replace_all=true or provide more context");
    } else {
      ASSERT_TRUE(edited.ok()) << edited.error().text();
      ASSERT_EQ(edited->text, expected);
      ASSERT_EQ(edited->replacements_made, count);
    }
  }
}

TEST_F(TextTest, TheEndsOfATextAndAnEmptyOneTakeEdits) {
  const std::string text = "a\r\ne\xcc\x81😀";  // a, CR, LF, e, its accent, a face: six
  const auto at = [&](std::string_view of, std::int64_t offset, std::int64_t length) {
    const auto edited = applyEdit(of, {"|", {}, false, offset, length});
    return edited.ok() ? edited->text : std::string(edited.error().name());
  };
  EXPECT_EQ(at(text, 0, 0), "|" + text);
  EXPECT_EQ(at(text, 6, 0), text + "|");
  EXPECT_EQ(at(text, 5, 1), "a\r\ne\xcc\x81|");
  EXPECT_EQ(at(text, 0, 6), "|");
  EXPECT_EQ(at(text, 2, 1), "a\r|e\xcc\x81😀") << "between CR and LF";
  EXPECT_EQ(at(text, 4, 1), "a\r\ne|😀") << "the accent alone";
  EXPECT_EQ(at(text, 7, 0), "offset_out_of_range");
  EXPECT_EQ(at(text, 6, 1), "range_out_of_range");
  EXPECT_EQ(at(text, 0, std::numeric_limits<std::int64_t>::max()), "range_out_of_range");
  EXPECT_EQ(at(text, std::numeric_limits<std::int64_t>::max(), 1), "offset_out_of_range");
  EXPECT_EQ(at("", 0, 0), "|");
  EXPECT_EQ(at("", 0, 1), "range_out_of_range");
  EXPECT_EQ(at("", 1, 0), "offset_out_of_range");
}

class NotUtf8Test : public DocumentsTest {};

TEST_F(NotUtf8Test, BytesThatAreNoTextAreNotEditedAndStayAsTheyAre) {
  for (const char* bytes : {"caf\xe9", "\xff\xfe", "\xf0\x9f\x98", "\xed\xa0\x80", "\xc0\xaf"}) {
    const auto pushed = push("a.txt", bytes);
    ASSERT_TRUE(pushed.ok()) << pushed.error().text();
    EXPECT_ERROR(edit(pushed->id, {"x", {}, false, 0, {}}), "not_utf8");
    EXPECT_ERROR(edit(pushed->id, {bytes, "a", false, {}, {}}), "invalid_utf8");
    const auto kept = read(pushed->id);
    ASSERT_TRUE(kept.ok()) << kept.error().text();
    EXPECT_EQ(kept->bytes, bytes);
    EXPECT_FALSE(kept->is_text);
    EXPECT_EQ(kept->document.version, 1);
  }
  expectSound();
}

TEST_F(TextTest, AnEditIsOneOfTheTwoKinds) {
  const auto name = [](Edit edit) { return std::string(checkEdit(edit).error().name()); };
  EXPECT_EQ(name({"x", "y", false, 1, {}}), "edit_modes_mixed");
  EXPECT_EQ(name({"x", {}, false, {}, {}}), "edit_mode_missing");
  EXPECT_EQ(name({"x", "", false, {}, {}}), "old_string_empty");
  EXPECT_EQ(name({"x", {}, false, -1, {}}), "offset_negative");
  EXPECT_EQ(name({"x", {}, false, 1, -1}), "length_negative");
  EXPECT_EQ(name({"\xff", {}, false, 1, {}}), "invalid_utf8");
}

TEST_F(TextTest, AnEditBeyondTheLimitIsRefused) {
  const auto edited = applyEdit("aaaa", {"bbbb", "a", true, {}, {}}, 15);
  ASSERT_FALSE(edited.ok());
  EXPECT_EQ(edited.error().name(), "edit_bytes_max");
}

TEST_F(TextTest, PatchMakesTheNewTextOfTheOldWithTheDifference) {
  TempFolder folder;
  for (int i = 0; i < 60; ++i) {
    const std::string old_text = joinedText(characters(60));
    std::string new_text = i % 3 == 0 ? joinedText(characters(60)) : old_text;
    for (int k = 0; k < 3 && i % 3 != 0; ++k) {
      const std::size_t at = byteOfCharacter(new_text, static_cast<std::int64_t>(random() % 60));
      new_text.insert(at, "X\n");
    }
    DiffOptions options;
    options.old_name = "text";
    options.new_name = "text";
    options.differences_max = i % 5 == 0 ? 1 : 2000;
    const auto diff = diffTexts(old_text, new_text, options);
    ASSERT_TRUE(diff.ok());
    if (diff->unified.empty()) {
      ASSERT_EQ(old_text, new_text);
      continue;
    }
    std::ofstream(folder.path() / "text", std::ios::binary) << old_text;
    std::ofstream(folder.path() / "diff", std::ios::binary) << diff->unified;
    const std::string command = "cd " + folder.path().string() +
                                " && patch -s -o new text diff && cat new > got 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << diff->unified;
    std::ifstream got(folder.path() / "got", std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(got)), {});
    ASSERT_EQ(text, new_text) << old_text << "\n---\n" << diff->unified;
  }
}

}  // namespace
}  // namespace tutti::documents
