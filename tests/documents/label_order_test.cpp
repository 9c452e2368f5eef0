// Pages of documents with a label, in order of their creation, whatever the clock did: held against
// a sort of all there are.
#include <algorithm>
#include <cstdio>
#include <tuple>

#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

struct Filed {
  int number = 0;
  std::string created_at;
  std::string updated_at;
  std::string partition;
  std::vector<std::string> tags;
};

std::string timeAt(int second) {
  char text[40];
  std::snprintf(text, sizeof(text), "2026-01-01T%02d:%02d:%02d.000000+00:00", second / 3600,
                second / 60 % 60, second % 60);
  return text;
}

/// What the documents of a case were: when its clock was set back, and how many labels are rare.
struct Case {
  const char* name;
  int count = 0;
  std::vector<int> set_back_at = {};
  int from_migration = 0;  ///< filled by what there was up to it; 0 for what there is now
};

class LabelOrderTest : public DocumentsTest, public ::testing::WithParamInterface<Case> {
 protected:
  void SetUp() override {
    make();
    fill();
    open();
  }

  void make() {
    int second = 0;
    for (int i = 1; i <= GetParam().count; ++i) {
      const auto& back = GetParam().set_back_at;
      second += i % 3 == 0 ? 0 : 2;  // some have the same time
      if (std::find(back.begin(), back.end(), i) != back.end()) second = std::max(0, second - 700);
      Filed one{i,
                timeAt(second),
                timeAt((i * 7919) % 80'000),
                i % 40 == 0 ? "small" : "_global",
                {"all"}};
      if (i % 50 == 0) one.tags.push_back("rare");
      if (i % 2 == 0) one.tags.push_back("even");
      all.push_back(std::move(one));
    }
  }

  static void insert(store::Tx& tx, const Filed& one) {
    store::execute(tx,
                   "INSERT INTO documents(id, partition, filename, content_type, created_at,"
                   " updated_at) VALUES (?, ?, ?, 'text/plain', ?, ?)",
                   "doc_" + std::to_string(one.number), one.partition, std::to_string(one.number),
                   one.created_at, one.updated_at);
    for (const std::string& tag : one.tags)
      store::execute(tx, "INSERT INTO document_labels(label, document_seq) VALUES (?, ?)",
                     "t" + tag, one.number);
  }

  void fill() {
    std::vector<store::Migration> known;
    for (const store::Migration& one : allMigrations())
      if (GetParam().from_migration == 0 || one.number <= GetParam().from_migration)
        known.push_back(one);
    auto opened = store::Store::open(folder.path(), known);
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    const Status filled = (*opened)->writeAndWait([&](store::Tx& tx) {
      store::execute(tx,
                     "INSERT INTO document_partitions(name, kind, created_at)"
                     " VALUES ('small', 'named', '')");
      for (const Filed& one : all) insert(tx, one);
      return ok();
    });
    ASSERT_TRUE(filled.ok()) << filled.error().text();
  }

  std::vector<std::string> expected(const DocumentFilter& filter) const {
    std::vector<std::tuple<std::string, int>> places;
    for (const Filed& one : all) {
      const bool in_sight =
          filter.place.scope == Scope::Visible ||
          one.partition ==
              (filter.place.partition.empty() ? std::string("_global") : filter.place.partition);
      const bool has = std::all_of(filter.tags.begin(), filter.tags.end(), [&](const auto& tag) {
        return std::find(one.tags.begin(), one.tags.end(), tag) != one.tags.end();
      });
      const bool in_time = filter.created_from.empty() || one.created_at >= filter.created_from;
      if (in_sight && has && in_time)
        places.emplace_back(filter.order == Order::Created ? one.created_at : one.updated_at,
                            one.number);
    }
    std::sort(places.begin(), places.end());
    if (filter.direction == Direction::Descending) std::reverse(places.begin(), places.end());
    std::vector<std::string> out;
    for (const auto& [at, number] : places) out.push_back(std::to_string(number));
    return out;
  }

  std::vector<std::string> paged(DocumentFilter filter) {
    std::vector<std::string> out;
    do {
      const auto page = query(filter);
      EXPECT_TRUE(page.ok()) << page.error().text();
      if (!page.ok()) break;
      for (const auto& one : page->documents) out.push_back(one.document.filename);
      filter.after = page->next;
    } while (!filter.after.empty());
    return out;
  }

  std::vector<Filed> all;
};

TEST_P(LabelOrderTest, EveryPageIsThatOfASortOfAll) {
  const std::vector<std::vector<std::string>> tags = {
      {"rare"}, {"all"}, {"all", "rare"}, {"even", "all"}, {"rare", "none"}};
  const std::vector<Place> places = {
      {}, {Scope::Default, "small", false}, {Scope::Visible, {}, false}};
  for (const auto& some : tags)
    for (const Place& place : places)
      for (const Order order : {Order::Created, Order::Updated})
        for (const Direction direction : {Direction::Ascending, Direction::Descending})
          for (const std::string& from : {std::string(), timeAt(GetParam().count / 2)}) {
            DocumentFilter filter;
            filter.tags = some;
            filter.place = place;
            filter.order = order;
            filter.direction = direction;
            filter.created_from = from;
            filter.count_max = 999;
            EXPECT_EQ(paged(filter), expected(filter))
                << some.front() << " of " << some.size() << ", scope "
                << static_cast<int>(place.scope) << place.partition << ", order "
                << static_cast<int>(order) << static_cast<int>(direction) << ", from " << from;
          }
}

INSTANTIATE_TEST_SUITE_P(Clocks, LabelOrderTest,
                         ::testing::Values(Case{"few", 300, {}, 0}, Case{"rising", 4200, {}, 0},
                                           Case{"set_back_once", 4200, {3000}, 0},
                                           Case{"set_back_early", 4200, {30}, 0},
                                           Case{"set_back_twice", 4200, {1000, 1200}, 0},
                                           Case{"older_rising", 4200, {}, 302},
                                           Case{"older_set_back", 4200, {1000, 1200, 4190}, 302}),
                         [](const auto& tested) { return std::string(tested.param.name); });

class CreationStateTest : public DocumentsTest {
 protected:
  std::int64_t risingFrom() {
    std::int64_t from = -1;
    EXPECT_TRUE(store
                    ->readAndWait([&](store::Connection& db) {
                      store::Statement row(db, "SELECT rising_from FROM document_creation_state");
                      if (row.step()) from = row.integer(0);
                      return ok();
                    })
                    .ok());
    return from;
  }
  void insertAt(const std::string& id, int second) {
    const Status inserted = store->writeAndWait([&](store::Tx& tx) {
      store::execute(tx,
                     "INSERT INTO documents(id, partition, filename, content_type, created_at,"
                     " updated_at) VALUES (?1, '_global', ?1, 'text/plain', ?2, ?2)",
                     id, timeAt(second));
      return ok();
    });
    ASSERT_TRUE(inserted.ok()) << inserted.error().text();
  }
};

TEST_F(CreationStateTest, DocumentsRiseAgainWhenTheClockHasCaughtUp) {
  insertAt("a", 100);
  insertAt("b", 100);
  EXPECT_EQ(risingFrom(), 0);
  insertAt("c", 50);
  EXPECT_EQ(risingFrom(), 4);
  insertAt("d", 60);
  EXPECT_EQ(risingFrom(), 5) << "above the last one, but not above all";
  insertAt("e", 100);
  insertAt("f", 101);
  EXPECT_EQ(risingFrom(), 5);
}

TEST_F(CreationStateTest, TheHighestIsKnownAfterItsDocumentIsGone) {
  insertAt("a", 100);
  insertAt("b", 50);
  ASSERT_TRUE(remove("b").ok());
  insertAt("c", 60);
  EXPECT_EQ(risingFrom(), 4);
}

}  // namespace
}  // namespace tutti::documents
