#include "server/routing/features.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "server/routing/exact_math.hpp"
#include "server/routing/lexicon.hpp"
#include "server/routing/words.hpp"

namespace tutti::routing {
namespace {
using Words = std::vector<std::string>;

TEST(ExactMathTest, AgreesWithTheCLibrary) {
  for (double x = -30.0; x < 30.0; x += 0.37) {
    EXPECT_NEAR(exactExp(x) / std::exp(x), 1.0, 1e-13) << x;
    EXPECT_NEAR(exactLog(std::exp(x)), x, 1e-13) << x;
  }
  EXPECT_EQ(exactExp(-1000.0), 0.0);
  EXPECT_EQ(exactLog(1.0), 0.0);
}

TEST(ExactMathTest, GivesTheseBitsOnEveryMachine) {
  EXPECT_EQ(exactExp(1.0), 0x1.5bf0a8b14576ap+1);
  EXPECT_EQ(exactLog(10.0), 0x1.26bb1bbb55515p+1);
}

TEST(WordsTest, CaseAccentsApostrophesAndNumbersAreFolded) {
  EXPECT_EQ(wordsOf("What's the Café’s PIN? 42 €, $5"),
            (Words{"whats", "the", "cafes", "pin", "?", "0", "$", "0"}));
  EXPECT_EQ(wordsOf("ŠKODA Łódź"), (Words{"skoda", "lodz"}));
}

TEST(WordsTest, OtherScriptsStayAndIllFormedBytesArePassedOver) {
  EXPECT_EQ(wordsOf("Привет мир"), (Words{"привет", "мир"}));
  EXPECT_EQ(wordsOf("a\xff\xfe b\xc3"), (Words{"a", "b"}));
  EXPECT_TRUE(wordsOf(" \t\n…—!").empty());
}

TEST(WordsTest, AnEndlessTextIsBounded) {
  EXPECT_LE(wordsOf(std::string(1'000'000, 'x')).front().size(), kWordBytesMax);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "word ";
  EXPECT_EQ(wordsOf(many).size(), kWordsMax);
}

TEST(WordsTest, FormsOfAWordShareAStem) {
  EXPECT_EQ(stemOf("booking"), stemOf("booked"));
  EXPECT_EQ(stemOf("companies"), stemOf("company"));
  EXPECT_EQ(stemOf("stopped"), stemOf("stop"));
  EXPECT_NE(stemOf("bus"), stemOf("bu"));
}

TEST(LexiconTest, EachLineFitsAndLikeWordsShareAGroup) {
  const Lexicon lexicon;
  const auto groups = [&](const std::string& word) {
    const auto* found = lexicon.groupsOf(word, stemOf(word));
    return found == nullptr ? std::vector<std::uint16_t>{} : *found;
  };
  ASSERT_FALSE(groups("french").empty());
  bool shared = false;
  for (const auto one : groups("french"))
    for (const auto other : groups("german")) shared = shared || one == other;
  EXPECT_TRUE(shared);
  EXPECT_TRUE(groups("xylograph").empty());
  std::size_t start = 0;
  while (start < kLexiconTable.size()) {
    const std::size_t end = kLexiconTable.find('\n', start);
    EXPECT_LT(wordsOf(kLexiconTable.substr(start, end - start)).size(), kWordsMax);
    start = end + 1;
  }
}

TEST(FeatureSpaceTest, AVectorHasLengthOneAndRareWordsWeighMore) {
  FeatureSpace space;
  space.fit({"the cat sat", "the dog sat", "the bird sang"}, {});
  const FeatureVector vector = space.vectorOf("the bird");
  EXPECT_NEAR(dot(vector, vector), 1.0F, 1e-5F);
  EXPECT_EQ(vector.known_share, 1.0F);
  const auto valueOf = [&](const char* word) {
    for (const Feature& feature : space.extractor().featuresOf("the bird")) {
      if (feature.kind != FeatureKind::Word) continue;
      if (space.extractor().nameOf("the bird", feature) != word) continue;
      for (const Entry& entry : vector.entries)
        if (entry.id == space.idOf(feature)) return entry.value;
    }
    return 0.0F;
  };
  EXPECT_GT(valueOf("bird"), valueOf("the"));
  EXPECT_GT(valueOf("the"), 0.0F);
}

TEST(FeatureSpaceTest, ASequenceHasEachWordsOwnFeaturesAndEachKindWeighsTheSame) {
  FeatureSpace space;
  space.fit({"cancel my flight", "play music"}, {});
  const auto sequenceOf = [&](const std::string& text) {
    return space.sequenceOf(space.extractor().featuresOf(text));
  };
  const WordSequence words = sequenceOf("cancel zzz flight");
  ASSERT_EQ(words.size(), 3U);
  EXPECT_TRUE(words[1].empty());
  for (const std::size_t known : {std::size_t{0}, std::size_t{2}}) {
    float squares = 0;
    for (const Entry& entry : words[known]) squares += entry.value * entry.value;
    EXPECT_NEAR(squares, 3.0F, 1e-5F) << "the word, its pieces, its meanings: word " << known;
  }
  EXPECT_EQ(sequenceOf("flight")[0].size(), words[2].size());
  std::string many;
  for (int i = 0; i < 200; ++i) many += "flight ";
  EXPECT_EQ(sequenceOf(many).size(), kSequenceWordsMax);
}

TEST(FeatureSpaceTest, AnUnknownTextIsEmptyUntilItIsAdded) {
  FeatureSpace space;
  space.fit({"alpha beta", "gamma delta"}, {});
  EXPECT_TRUE(space.vectorOf("zzz").entries.empty());
  EXPECT_EQ(space.vectorOf("zzz").known_share, 0.0F);
  EXPECT_TRUE(space.add("zzz"));
  EXPECT_FALSE(space.add("zzz"));
  EXPECT_FALSE(space.vectorOf("zzz").entries.empty());
}

}  // namespace
}  // namespace tutti::routing
