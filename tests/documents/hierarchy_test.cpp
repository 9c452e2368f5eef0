// Hierarchies of documents, deep and wide, and documents in the middle that a caller may not see.
#include <map>
#include <set>

#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

class HierarchyTest : public DocumentsTest {
 protected:
  using Links = std::vector<Relation>;

  enum class Shape { Chain, Star };

  static std::string many(int i) { return "doc_many" + std::to_string(i); }

  /// Placeholders many(0) to many(count - 1), each the child of the one before it or of the first.
  void addMany(int count, Shape shape) {
    const Status done = store->writeAndWait([&](store::Tx& tx) {
      std::vector<std::int64_t> seqs;
      for (int i = 0; i < count; ++i) {
        store::execute(tx,
                       "INSERT INTO documents(id, partition, filename, content_type, created_at,"
                       " updated_at) VALUES (?, '_global', 'n', 'text/plain', '', '')",
                       many(i));
        seqs.push_back(tx.lastInsertId());
        if (i == 0) continue;
        const std::int64_t parent = shape == Shape::Chain ? seqs[seqs.size() - 2] : seqs.front();
        link(tx, parent, seqs.back(), "child");
        link(tx, seqs.back(), parent, "parent");
      }
      return ok();
    });
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  static void link(store::Tx& tx, std::int64_t document, std::int64_t related, const char* type) {
    store::execute(tx,
                   "INSERT INTO document_relations(document_seq, related_seq, relation_type,"
                   " created_at, updated_at) VALUES (?, ?, ?, '', '')",
                   document, related, type);
  }

  /// A link as no caller can make it, to a child above.
  void closeCircle(int below, int above) {
    const Status made = store->writeAndWait([&](store::Tx& tx) {
      std::map<std::string, std::int64_t> seqs;
      {
        store::Statement rows(tx, "SELECT id, document_seq FROM documents");
        while (rows.step()) seqs[rows.text(0)] = rows.integer(1);
      }
      link(tx, seqs[many(below)], seqs[many(above)], "child");
      link(tx, seqs[many(above)], seqs[many(below)], "parent");
      return ok();
    });
    ASSERT_TRUE(made.ok()) << made.error().text();
  }
  std::set<std::string> ownParents() {
    const auto checked = checkDocuments(*store, service->files());
    EXPECT_TRUE(checked.ok());
    std::set<std::string> named;
    if (!checked.ok()) return named;
    for (const Finding& finding : checked->findings) {
      EXPECT_EQ(finding.name, "parent_cycle") << finding.message;
      named.insert(finding.subject);
    }
    return named;
  }

  Result<RelationPair> relateAs(const Caller& caller, const std::string& definition,
                                const std::string& from, const std::string& to) {
    return await<RelationPair>([&](auto done) {
      service->relate(caller, {definition, {from, {}}, {to, {}}, {}, {}}, done);
    });
  }
  Result<Links> wayAs(const Caller& caller, const std::string& from, const std::string& to) {
    return await<Links>([&](auto done) {
      service->findPath(caller, {{from, {}}, {to, {}}, {}}, done);
    });
  }
  Result<Neighbourhood> aroundAs(const Caller& caller, const std::string& id) {
    return await<Neighbourhood>([&](auto done) {
      service->neighbourhood(caller, {{id, {}}, 16, {}}, done);
    });
  }
};

TEST_F(HierarchyTest, ACircleThroughAVeryDeepChainIsNeverMade) {
  addMany(12'000, Shape::Chain);
  // More are above the last one than are looked at: not known is not allowed.
  const auto round = relate("parent-child", many(11999), many(0));
  ASSERT_FALSE(round.ok());
  EXPECT_EQ(round.error().name(), "path_visits_max");
  EXPECT_EQ(round.error().code(), Code::ResourceExhausted);
  EXPECT_NE(round.error().message().find("10000"), std::string::npos) << round.error().text();
  EXPECT_FALSE(round.error().hint().empty());
  const auto shorter = relate("parent-child", many(9000), many(0));
  EXPECT_ERROR(shorter, "relation_cycle");
  EXPECT_LT(shorter.error().message().size(), 1000U) << "names some of the way only";
  EXPECT_TRUE(shorter.error().message().find("doc_many0 > doc_many1 > ") != std::string::npos)
      << shorter.error().text();
  EXPECT_TRUE(relate("parent-child", many(0), many(9000)).ok()) << "downwards";
  expectSound();
}

TEST_F(HierarchyTest, ATreeOf20000BelowIsNoReasonToMissACircle) {
  ServiceOptions options;
  options.limits.relations_max = 30'000;
  open(options);
  addMany(20'001, Shape::Star);
  const auto top = push("top", "t");
  ASSERT_TRUE(relate("parent-child", many(20000), top->id).ok());
  EXPECT_ERROR(relate("parent-child", top->id, many(0)), "relation_cycle");
  EXPECT_ERROR(relate("parent-child", many(17), many(0)), "relation_cycle");
  const auto found = aroundAs({}, many(0));
  ASSERT_TRUE(found.ok()) << found.error().text();
  EXPECT_EQ(found->neighbours.size(), 1000U);
  EXPECT_TRUE(found->truncated);
}

TEST_F(HierarchyTest, TheCheckNamesThoseInACircleAndNobodyAboveOrBelow) {
  addMany(6, Shape::Chain);
  closeCircle(3, 1);
  EXPECT_EQ(ownParents(), (std::set<std::string>{many(1), many(2), many(3)}));
}

TEST_F(HierarchyTest, TheCheckNamesNobodyBetweenTwoCircles) {
  addMany(7, Shape::Chain);  // 0 > 1 > 2 > … > 6
  closeCircle(2, 1);
  closeCircle(6, 5);
  EXPECT_EQ(ownParents(), (std::set<std::string>{many(1), many(2), many(5), many(6)}));
}

TEST_F(HierarchyTest, TheCheckNamesOneThatIsItsOwnChild) {
  addMany(2, Shape::Chain);
  closeCircle(1, 1);
  EXPECT_EQ(ownParents(), (std::set<std::string>{many(1)}));
}

TEST_F(HierarchyTest, ADiamondIsNoCircleAndHasEachDocumentOnce) {
  const auto top = push("top", "1"), left = push("left", "2"), right = push("right", "3"),
             bottom = push("bottom", "4");
  for (const auto& [from, to] : {std::pair(top->id, left->id), std::pair(top->id, right->id),
                                 std::pair(left->id, bottom->id), std::pair(right->id, bottom->id)})
    ASSERT_TRUE(relate("parent-child", from, to).ok());
  EXPECT_TRUE(relate("parent-child", top->id, bottom->id).ok()) << "a short cut is no circle";
  EXPECT_ERROR(relate("parent-child", bottom->id, top->id), "relation_cycle");
  EXPECT_ERROR(relate("parent-child", bottom->id, left->id), "relation_cycle");
  // Another order is another hierarchy.
  EXPECT_TRUE(relate("predecessor-successor", bottom->id, top->id).ok());
  EXPECT_EQ(aroundAs({}, top->id)->neighbours.size(), 3U);
  const auto removed = remove(top->id);
  ASSERT_TRUE(removed.ok()) << removed.error().text();
  EXPECT_EQ(removed->size(), 4U);
  EXPECT_EQ(removed->back(), top->id);
}

TEST_F(HierarchyTest, AHiddenDocumentInTheMiddleShowsNowhere) {
  addSession("ses_a", "", "");
  addSession("ses_b", "", "");
  const Caller a{"ses_a"}, b{"ses_b"};
  const Place global{Scope::Global, {}, false};
  const auto first = push("first", "1", global), last = push("last", "2", global);
  const auto hidden = push("hidden", "3", {}, a);
  ASSERT_TRUE(relateAs(a, "parent-child", first->id, hidden->id).ok());
  ASSERT_TRUE(relateAs(a, "parent-child", hidden->id, last->id).ok());

  const auto seen = relateAs(a, "parent-child", last->id, first->id);
  EXPECT_ERROR(seen, "relation_cycle");
  EXPECT_NE(seen.error().message().find(hidden->id), std::string::npos) << seen.error().text();
  const auto unseen = relateAs(b, "parent-child", last->id, first->id);
  EXPECT_ERROR(unseen, "relation_cycle");
  EXPECT_EQ(unseen.error().text().find(hidden->id), std::string::npos) << unseen.error().text();

  EXPECT_EQ(wayAs(a, first->id, last->id)->size(), 2U);
  EXPECT_ERROR(wayAs(b, first->id, last->id), "no_path");
  EXPECT_EQ(aroundAs(a, first->id)->neighbours.size(), 2U);
  EXPECT_TRUE(aroundAs(b, first->id)->neighbours.empty());
  EXPECT_TRUE(info(first->id, b)->relations.empty());

  // What is hidden and what has never been: one answer, but for the id.
  const auto answers = [&](const std::string& id) {
    std::vector<std::string> all;
    const auto keep = [&](const auto& result) {
      ASSERT_FALSE(result.ok());
      std::string text = result.error().text();
      for (auto at = text.find(id); at != text.npos; at = text.find(id)) text.replace(at, 28, "ID");
      all.push_back(std::move(text));
    };
    keep(info(id, b));
    keep(wayAs(b, first->id, id));
    keep(wayAs(b, id, first->id));
    keep(aroundAs(b, id));
    keep(relateAs(b, "related", id, first->id));
    keep(relateAs(b, "related", first->id, id));
    keep(remove(id, b));
    return all;
  };
  EXPECT_EQ(answers(hidden->id), answers(newDocumentId()));
}

TEST_F(HierarchyTest, HiddenNeighboursDoNotFillANeighbourhoodOrASearch) {
  ServiceOptions options;
  options.limits.neighbours_max = 2;
  open(options);
  addSession("ses_a", "", "");
  addSession("ses_b", "", "");
  const Caller a{"ses_a"}, b{"ses_b"};
  const Place global{Scope::Global, {}, false};
  const auto centre = push("centre", "c", global);
  for (const char* name : {"h1", "h2", "h3"})
    ASSERT_TRUE(relateAs(a, "related", centre->id, push(name, name, {}, a)->id).ok());
  ASSERT_TRUE(relateAs(a, "related", centre->id, push("open", "o", global)->id).ok());
  const auto found = aroundAs(b, centre->id);
  ASSERT_TRUE(found.ok()) << found.error().text();
  ASSERT_EQ(found->neighbours.size(), 1U);
  EXPECT_EQ(found->neighbours.front().document.filename, "open");
  EXPECT_FALSE(found->truncated);
}

}  // namespace
}  // namespace tutti::documents
