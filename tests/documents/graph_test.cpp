// What can be asked of linked documents, partitions, and descriptions.
#include <nlohmann/json.hpp>

#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

class GraphTest : public DocumentsTest {
 protected:
  Result<Neighbourhood> around(const std::string& id, std::int64_t depth_max,
                               std::vector<std::string> types = {}) {
    return await<Neighbourhood>([&](auto done) {
      service->neighbourhood({}, {{id, {}}, depth_max, std::move(types)}, done);
    });
  }
  static std::vector<std::string> namesOf(const Neighbourhood& found) {
    std::vector<std::string> all;
    for (const Neighbour& one : found.neighbours)
      all.push_back(one.document.filename + std::to_string(one.depth) + one.by.relation_type);
    return all;
  }
  Result<std::vector<Relation>> way(const std::string& from, const std::string& to,
                                    std::vector<std::string> types = {}) {
    return await<std::vector<Relation>>([&](auto done) {
      service->findPath({}, {{from, {}}, {to, {}}, std::move(types)}, done);
    });
  }
  Result<Document> change(MetadataChange wanted) {
    return await<Document>([&](auto done) { service->changeMetadata({}, wanted, done); });
  }
  Result<Partition> createPartition(const std::string& name) {
    return await<Partition>(
        [&](auto done) { service->createPartition({}, name, "of a test", done); });
  }
  Result<DeletedPartition> deletePartition(const std::string& name, Caller caller = {}) {
    return await<DeletedPartition>(
        [&](auto done) { service->deletePartition(std::move(caller), name, done); });
  }
};

TEST_F(GraphTest, ANeighbourhoodHasEachDocumentOnceNearestFirst) {
  const auto a = push("a", "1"), b = push("b", "2"), c = push("c", "3"), d = push("d", "4");
  ASSERT_TRUE(relate("parent-child", a->id, b->id).ok());
  ASSERT_TRUE(relate("related", b->id, c->id).ok());
  ASSERT_TRUE(relate("related", a->id, c->id).ok());
  ASSERT_TRUE(relate("predecessor-successor", c->id, d->id).ok());
  using Names = std::vector<std::string>;
  EXPECT_EQ(namesOf(*around(a->id, 1)), (Names{"b1child", "c1related"}));
  EXPECT_EQ(namesOf(*around(a->id, 3)), (Names{"b1child", "c1related", "d2successor"}));
  EXPECT_EQ(namesOf(*around(d->id, 2, {"predecessor"})), (Names{"c1predecessor"}));
  EXPECT_ERROR(around(a->id, 0), "depth_max");
  EXPECT_ERROR(around(a->id, 17), "depth_max");
  EXPECT_ERROR(around(a->id, 1, {"cousin"}), "invalid_relation_type");
  EXPECT_ERROR(around("doc_none", 1), "document_not_found");
}

TEST_F(GraphTest, ARepeatedLinkOrRemovalWithItsKeyIsDoneOnce) {
  const auto a = push("a", "1"), b = push("b", "2");
  const auto link = [&](const std::string& definition) {
    return await<RelationPair>([&](auto done) {
      service->relate({}, {definition, {a->id, {}}, {b->id, {}}, "why", {}}, done, "k");
    });
  };
  const auto first = link("related"), again = link("related");
  ASSERT_TRUE(first.ok()) << first.error().text();
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(toJson(again->from_relation), toJson(first->from_relation));
  EXPECT_EQ(toJson(again->to_relation), toJson(first->to_relation));
  EXPECT_ERROR(link("parent-child"), "idempotency_key_reused");
  const auto gone = [&](const std::string& id, const std::string& key) {
    return await<std::vector<std::string>>([&](auto done) {
      service->remove({}, {{id, {}}, {}}, done, key);
    });
  };
  for (int i = 0; i < 2; ++i) {
    const auto ids = gone(a->id, "k");
    ASSERT_TRUE(ids.ok()) << ids.error().text();
    EXPECT_EQ(*ids, (std::vector<std::string>{a->id}));
  }
  EXPECT_ERROR(gone(a->id, "another"), "document_not_found");
  EXPECT_ERROR(gone(b->id, "k"), "idempotency_key_reused");
}

TEST_F(GraphTest, ANeighbourhoodThatIsTooLargeSaysSo) {
  ServiceOptions options;
  options.limits.neighbours_max = 2;
  open(options);
  const auto a = push("a", "1");
  for (const char* name : {"b", "c", "d"})
    ASSERT_TRUE(relate("related", a->id, push(name, name)->id).ok());
  const auto found = around(a->id, 1);
  ASSERT_TRUE(found.ok()) << found.error().text();
  EXPECT_EQ(found->neighbours.size(), 2U);
  EXPECT_TRUE(found->truncated);
}

TEST_F(GraphTest, APathIsAShortestWay) {
  const auto a = push("a", "1"), b = push("b", "2"), c = push("c", "3"), d = push("d", "4");
  ASSERT_TRUE(relate("related", a->id, b->id).ok());
  ASSERT_TRUE(relate("related", b->id, c->id).ok());
  ASSERT_TRUE(relate("parent-child", a->id, c->id).ok());
  const auto shortest = way(a->id, c->id);
  ASSERT_TRUE(shortest.ok()) << shortest.error().text();
  ASSERT_EQ(shortest->size(), 1U);
  EXPECT_EQ(shortest->front().relation_type, "child");
  const auto round = way(a->id, c->id, {"related"});
  ASSERT_TRUE(round.ok()) << round.error().text();
  ASSERT_EQ(round->size(), 2U);
  EXPECT_EQ(round->front().related_document_id, b->id);
  EXPECT_EQ(round->back().related_document_id, c->id);
  EXPECT_TRUE(way(a->id, a->id)->empty());
  EXPECT_ERROR(way(a->id, d->id), "no_path");
}

TEST_F(GraphTest, ASearchForAPathEndsAtItsLimit) {
  ServiceOptions options;
  options.limits.path_visits_max = 3;
  open(options);
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back(push("chain" + std::to_string(i), std::to_string(i))->id);
    if (i > 0) {
      ASSERT_TRUE(relate("related", ids[ids.size() - 2], ids.back()).ok());
    }
  }
  EXPECT_ERROR(way(ids.front(), ids.back()), "path_visits_max");
}

TEST_F(GraphTest, APartitionIsMadeListedAndRemovedWithItsDocuments) {
  ASSERT_TRUE(createPartition("notes").ok());
  EXPECT_ERROR(createPartition("notes"), "partition_exists");
  EXPECT_ERROR(createPartition("1st"), "invalid_partition");
  EXPECT_ERROR(createPartition("_own"), "partition_reserved");
  EXPECT_ERROR(createPartition("tree_house"), "partition_reserved");
  // Who made it would have what that project's agents put there shown to all.
  EXPECT_ERROR(createPartition(projectPartition("/p/one")), "partition_reserved");
  Place place;
  place.partition = "notes";
  const auto inside = push("a", std::string(100'000, 'x'), place);
  ASSERT_TRUE(inside.ok()) << inside.error().text();
  const auto outside = push("b", "b");
  const auto list = [&] {
    return await<std::vector<Partition>>([&](auto done) { service->listPartitions({}, done); });
  };
  ASSERT_EQ(list()->size(), 1U);
  EXPECT_EQ(list()->front().name, "notes");
  EXPECT_EQ(list()->front().description, "of a test");
  const auto deleted = deletePartition("notes");
  ASSERT_TRUE(deleted.ok()) << deleted.error().text();
  EXPECT_EQ(deleted->deleted_document_count, 1);
  EXPECT_ERROR(read(inside->id), "document_not_found");
  EXPECT_TRUE(read(outside->id).ok());
  EXPECT_TRUE(list()->empty());
  EXPECT_ERROR(deletePartition("notes"), "partition_not_found");
  EXPECT_ERROR(deletePartition("_global"), "partition_is_global");
  ASSERT_TRUE(sweep().ok());  // files go after the answer
  expectSound();
}

TEST_F(GraphTest, AnAgentCannotRemoveAnotherTreesPartition) {
  addSession("ses_a", "", "");
  addSession("ses_b", "", "");
  ASSERT_TRUE(push("mine", "x", {}, {"ses_a"}).ok());
  EXPECT_ERROR(deletePartition("tree_ses_a", {"ses_b"}), "partition_not_found");
  EXPECT_EQ(deletePartition("tree_ses_a", {"ses_a"})->deleted_document_count, 1);
}

TEST_F(GraphTest, AChangeOfDescriptionLeavesContentAndWhatItDoesNotName) {
  PushRequest request;
  request.filename = "a.md";
  request.content = "text";
  request.tags = {"old"};
  request.metadata = {{"keep", "1"}, {"drop", "2"}};
  const auto pushed = push(request);
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  MetadataChange wanted;
  wanted.ref.document_id = pushed->id;
  wanted.tags = std::vector<std::string>{"new"};
  wanted.metadata = {{"drop", std::nullopt}, {"add", "3"}};
  wanted.expected_revision = pushed->revision;
  const auto changed = change(wanted);
  ASSERT_TRUE(changed.ok()) << changed.error().text();
  EXPECT_EQ(changed->filename, "a.md");
  EXPECT_EQ(changed->metadata, (std::map<std::string, std::string>{{"add", "3"}, {"keep", "1"}}));
  EXPECT_EQ(changed->version, 1);
  EXPECT_EQ(changed->revision, pushed->revision + 1);
  EXPECT_ERROR(change(wanted), "revision_conflict");
  DocumentFilter filter;
  filter.tags = {"old"};
  EXPECT_TRUE(names(filter).empty());
  filter.tags = {"new"};
  filter.metadata = {{"add", "3"}};
  EXPECT_EQ(names(filter), (std::vector<std::string>{"a.md"}));
  wanted.expected_revision.reset();
  wanted.filename = "../a";
  EXPECT_ERROR(change(wanted), "invalid_filename");
  EXPECT_EQ(read(pushed->id)->bytes, "text");
}

}  // namespace
}  // namespace tutti::documents
