#include "server/base/digest.hpp"
#include "tests/search/support.hpp"

namespace tutti::search {
namespace {

struct NewDocument {
  std::string id;
  std::string text;
  std::string filename = "a.txt";
  std::string partition = "_global";
  std::vector<std::string> tags = {};
  Kind kind = Kind::Plain;
};

class TextIndexTest : public SearchTest {
 protected:
  void put(const NewDocument& document) {
    write([&](store::Tx& tx) {
      const Result<Extracted> extracted = extract(document.kind, document.text);
      if (!extracted.ok()) return Status(extracted.error());
      putDocument(tx, {document.id, 1, document.filename, document.partition, document.tags},
                  {makeParts(*extracted), sha256(document.text), {}}, "2026-01-01T00:00:00Z");
      return ok();
    });
  }
  std::vector<std::string> find(const std::string& text, const Filter& filter = {},
                                const TextLimits& limits = {}) {
    std::vector<std::string> ids;
    const Result<Query> query = parseQuery(text);
    EXPECT_TRUE(query.ok()) << query.error().text();
    read([&](store::Tx& db) {
      last_ = searchText(db, *query, filter, 10, limits);
      for (const TextHit& hit : last_.hits) ids.push_back(hit.document_id);
      return ok();
    });
    return ids;
  }
  std::vector<Section> sectionsOf(std::size_t hit) {
    std::vector<Section> sections;
    read([&](store::Tx& db) {
      sections = findSections(db, last_, last_.hits.at(hit), 3, {});
      return ok();
    });
    return sections;
  }
  using Ids = std::vector<std::string>;
  TextHits last_;
};

TEST_F(TextIndexTest, FindsStemsPhrasesPrefixesAndOperators) {
  put({"d1", "The writer commits many transactions at once"});
  put({"d2", "A commit is durable. Interprocess locks are advisory"});
  EXPECT_EQ(find("committing durably"), Ids{"d2"});
  EXPECT_EQ(find("\"many transactions\""), Ids{"d1"});
  EXPECT_EQ(find("\"transactions many\""), Ids{});
  EXPECT_EQ(find("interpro*"), Ids{"d2"});
  EXPECT_EQ(find("commit NOT durable"), Ids{"d1"});
  EXPECT_EQ(find("writer OR locks").size(), 2U);
}

TEST_F(TextIndexTest, NamesAndHeadingsRankAboveText) {
  put({"in_text", "one queue two three", "a.txt"});
  put({"in_name", "nothing of it here", "queue.txt"});
  put({"in_heading", "# Queue\n\nof people", "b.md", "_global", {}, Kind::Markdown});
  const Ids found = find("queue");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found.front(), "in_name");
  EXPECT_EQ(found.back(), "in_text");
}

TEST_F(TextIndexTest, FiltersByPartitionTagsAndWhatTheCallerAccepts) {
  put({"d1", "alpha", "a", "left", {"x", "y"}});
  put({"d2", "alpha", "a", "right", {"x"}});
  put({"d3", "alpha", "a", "third", {}});
  Filter filter;
  filter.partitions = {"left", "third"};
  EXPECT_EQ(find("alpha", filter).size(), 2U);
  filter.partitions.clear();
  filter.tags = {"x", "y"};
  EXPECT_EQ(find("alpha", filter), Ids{"d1"});
  filter.tags.clear();
  filter.accept = [](store::Connection&, const std::string& id) { return id == "d3"; };
  EXPECT_EQ(find("alpha", filter), Ids{"d3"});
}

TEST_F(TextIndexTest, WordsOfTheFilterAreNotFoundByGuessing) {
  put({"d1", "alpha", "a", "left", {}});
  std::string word;
  read([&](store::Tx& db) {
    store::Statement scope(db, "SELECT scope FROM search_text");
    if (scope.step()) word = scope.text(0);
    return ok();
  });
  ASSERT_FALSE(word.empty());
  EXPECT_EQ(find(word), Ids{});
}

TEST_F(TextIndexTest, WhenNothingHasAllWordsThoseWithAnyAreFound) {
  put({"d1", "alpha beta"});
  put({"d2", "gamma"});
  EXPECT_EQ(find("alpha gamma").size(), 2U);
  EXPECT_EQ(find("alpha AND gamma"), Ids{});
}

TEST_F(TextIndexTest, AboveTheCandidatesLimitTheNewestAndTheNamedAreRanked) {
  put({"old_named", "nothing", "common.txt"});
  for (int i = 0; i < 20; ++i) put({"d" + std::to_string(i), "common word"});
  TextLimits limits;
  limits.candidates_max = 5;
  const Ids found = find("common", {}, limits);
  EXPECT_EQ(found.size(), 6U);
  EXPECT_EQ(found.front(), "old_named");
}

TEST_F(TextIndexTest, SectionsPointIntoTheDocumentInCharacters) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "Füllwörter ohne Sinn, Zeile " + std::to_string(i) + ".\n\n";
  const std::size_t needle_at = text.size();
  text += "Hier steht die Nähnadel im Heu.\n\n";
  for (int i = 0; i < 60; ++i) text += "Noch mehr Füllwörter, Zeile " + std::to_string(i) + ".\n\n";
  put({"d1", text});
  ASSERT_EQ(find("nahnadel heu"), Ids{"d1"});  // diacritics do not matter
  const std::vector<Section> sections = sectionsOf(0);
  ASSERT_EQ(sections.size(), 1U);
  const auto needle =
      static_cast<std::int64_t>(characterCount(std::string_view(text).substr(0, needle_at)));
  EXPECT_LE(sections[0].offset, needle);
  EXPECT_GE(sections[0].offset + sections[0].limit, needle + 30);
  EXPECT_LT(sections[0].limit, 1700);
  EXPECT_NE(sections[0].text.find("die **Nähnadel** im **Heu**."), std::string::npos)
      << sections[0].text;
}

TEST_F(TextIndexTest, ChangedLabelsKeepTheChunks) {
  put({"d1", "alpha", "old.txt"});
  const std::int64_t chunk = count("SELECT max(chunk_id) FROM search_chunks");
  put({"d1", "alpha", "fresh.txt", "elsewhere", {"new"}});
  EXPECT_EQ(count("SELECT max(chunk_id) FROM search_chunks"), chunk);
  EXPECT_EQ(find("fresh"), Ids{"d1"});
  EXPECT_EQ(find("old"), Ids{});
  put({"d1", "beta", "fresh.txt"});
  EXPECT_EQ(find("alpha"), Ids{});
  EXPECT_EQ(find("beta"), Ids{"d1"});
}

TEST_F(TextIndexTest, ARemovedDocumentLeavesNothing) {
  put({"d1", "alpha"});
  write([](store::Tx& tx) {
    removeDocument(tx, "d1");
    removeDocument(tx, "never_there");
    return ok();
  });
  EXPECT_EQ(find("alpha"), Ids{});
  EXPECT_EQ(count("SELECT count(*) FROM search_chunks"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM search_text_docsize"), 0);
}

TEST_F(TextIndexTest, NoBytesWhatsoeverReachTheIndexAsSyntax) {
  put({"d1", "alpha"});
  unsigned seed = 7;
  const std::string letters = "a\"()*:^{}-+.,'\\ \n\tANDORNOT\xc3\xa9\x80\xff\x01";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      seed = seed * 1103515245U + 12345U;
      text += letters[(seed >> 16U) % letters.size()];
    }
    const Result<Query> query = parseQuery(text);
    if (!query.ok()) {
      EXPECT_EQ(query.error().name(), "invalid_query") << text;
      continue;
    }
    read([&](store::Tx& db) {
      searchText(db, *query, {}, 3);
      return ok();
    });
    ASSERT_FALSE(HasFailure()) << text;
  }
}

}  // namespace
}  // namespace tutti::search
