// The service as its faces see it: push, read, write, edit, find, remove.
#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

class ServiceTest : public DocumentsTest {};

TEST_F(ServiceTest, APushedTextIsReadAsItWas) {
  const auto pushed = push("notes.md", "# Notes\nhällo");
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  EXPECT_TRUE(isDocumentId(pushed->id)) << pushed->id;
  EXPECT_EQ(pushed->content_type, "text/markdown");
  EXPECT_EQ(pushed->version, 1);
  EXPECT_EQ(pushed->partition, "_global");
  const auto got = read(pushed->id);
  ASSERT_TRUE(got.ok()) << got.error().text();
  EXPECT_EQ(got->bytes, "# Notes\nhällo");
  EXPECT_TRUE(got->is_text);
  expectSound();
}

TEST_F(ServiceTest, ContentOf64KbAndOverIsAFileNamedByItsHash) {
  const std::string bytes(200'000, 'x');
  const auto pushed = push("big.txt", bytes);
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  EXPECT_TRUE(std::filesystem::exists(service->files().pathOf(pushed->checksum)));
  const auto got = read(pushed->id);
  ASSERT_TRUE(got.ok()) << got.error().text();
  EXPECT_TRUE(got->bytes == bytes);
  EXPECT_TRUE(push("again.txt", bytes).ok());
  auto checked = checkDocuments(*store, service->files());
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->contents, 1) << "the same bytes are kept once";
  EXPECT_EQ(checked->files, 1);
  expectSound();
}

TEST_F(ServiceTest, TheLastDocumentOfAContentTakesItsFileAlong) {
  const std::string bytes(100'000, 'x');
  const auto one = push("one.txt", bytes);
  const auto two = push("two.txt", bytes);
  ASSERT_TRUE(one.ok() && two.ok());
  const auto path = service->files().pathOf(one->checksum);
  ASSERT_TRUE(remove(one->id).ok());
  ASSERT_TRUE(sweep().ok());
  EXPECT_TRUE(std::filesystem::exists(path));
  ASSERT_TRUE(remove(two->id).ok());
  ASSERT_TRUE(sweep().ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  expectSound();
}

TEST_F(ServiceTest, TheFileOfAWriteThatFailedIsSwept) {
  const auto pushed = push("a.txt", "one");
  EXPECT_ERROR(write(pushed->id, std::string(70'000, 'x'), 9), "version_conflict");
  const auto swept = sweep();
  ASSERT_TRUE(swept.ok()) << swept.error().text();
  EXPECT_EQ(swept->files, 1);
  expectSound();
}

TEST_F(ServiceTest, AChangedTypeIsThatOfTheContentToo) {
  PushRequest request;
  request.filename = "a.bin";
  request.content = "one two";
  const auto pushed = push(request);
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  MetadataChange change;
  change.ref.document_id = pushed->id;
  change.content_type = "text/plain";
  ASSERT_TRUE(await<Document>([&](auto done) { service->changeMetadata({}, change, done); }).ok());
  ReadRequest part;
  part.ref.document_id = pushed->id;
  part.characters = CharacterRange{4, 3};
  const auto got = await<ReadContent>([&](auto done) { service->read(part, done); });
  ASSERT_TRUE(got.ok()) << got.error().text();
  EXPECT_EQ(got->bytes, "two");
  EXPECT_EQ(got->version.content_type, "text/plain");
}

TEST_F(ServiceTest, AReadByCharactersCountsCodePoints) {
  const auto pushed = push("a.txt", "aä€😀z");
  ASSERT_TRUE(pushed.ok());
  ReadRequest request;
  request.ref.document_id = pushed->id;
  request.characters = CharacterRange{1, 3};
  const auto got = read(request);
  ASSERT_TRUE(got.ok()) << got.error().text();
  EXPECT_EQ(got->bytes, "ä€😀");
  EXPECT_EQ(got->characters->characters_total, 5);
  EXPECT_EQ(got->characters->characters_end, 4);
}

TEST_F(ServiceTest, ARangeOfWhatIsNoTextIsRefusedInAofsWords) {
  const auto pushed = push("a.png", "\x89PNG");
  ASSERT_TRUE(pushed.ok());
  ReadRequest request;
  request.ref.document_id = pushed->id;
  request.characters = CharacterRange{0, 1};
  const auto got = read(request);
  EXPECT_ERROR(got, "not_text");
  EXPECT_EQ(got.error().message(),
            "Partial content retrieval is only supported for text content types");
}

TEST_F(ServiceTest, APlaceholderIsEmptyUntilItIsWritten) {
  CreateRequest request;
  request.filename = "plan.md";
  request.tags = {"b", "a", "b"};
  const auto made = await<Document>([&](auto done) { service->create(request, done); });
  ASSERT_TRUE(made.ok()) << made.error().text();
  EXPECT_EQ(made->version, 0);
  EXPECT_EQ(made->checksum, "");
  EXPECT_EQ(made->tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read(made->id)->bytes, "");
  const auto written = write(made->id, "text");
  ASSERT_TRUE(written.ok()) << written.error().text();
  EXPECT_TRUE(written->changed);
  EXPECT_EQ(written->document.version, 1);
  expectSound();
}

TEST_F(ServiceTest, AStaleExpectedVersionIsAConflictThatChangesNothing) {
  const auto pushed = push("a.txt", "one");
  ASSERT_TRUE(write(pushed->id, "two", 1).ok());
  const auto stale = write(pushed->id, "three", 1);
  EXPECT_ERROR(stale, "version_conflict");
  EXPECT_EQ(stale.error().details(), "{\"expected_version\":1,\"version\":2}");
  EXPECT_ERROR(edit(pushed->id, {"x", "two", false, {}, {}}, 1), "version_conflict");
  EXPECT_EQ(read(pushed->id)->bytes, "two");
}

TEST_F(ServiceTest, EqualContentMakesNoVersion) {
  const auto pushed = push("a.txt", "one");
  const auto again = write(pushed->id, "one");
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->changed);
  EXPECT_EQ(again->document.version, 1);
}

TEST_F(ServiceTest, EditsByWordsAndByPositionSayWhatTheyDid) {
  const auto pushed = push("a.txt", "one two one");
  const auto all = edit(pushed->id, {"1", "one", true, {}, {}});
  ASSERT_TRUE(all.ok()) << all.error().text();
  EXPECT_EQ(all->replacements_made, 2);
  const auto at = edit(pushed->id, {"zwei", {}, false, 2, 3});
  ASSERT_TRUE(at.ok()) << at.error().text();
  EXPECT_EQ(at->edit_range->new_length, 4);
  EXPECT_EQ(read(pushed->id)->bytes, "1 zwei 1");
  EXPECT_EQ(read(pushed->id, 1)->bytes, "one two one");
}

TEST_F(ServiceTest, OfManyEditorsOfOneDocumentEachEditIsThereAndMakesOneVersion) {
  constexpr int kEditors = 16, kEditsEach = 12;
  const auto pushed = push("a.txt", "");
  int answers = 0;
  std::set<std::int64_t> versions;
  // Each inserts a line at the front, and its next one when that is answered.
  std::function<void(int, int)> editNext = [&](int editor, int number) {
    if (number == kEditsEach) return;
    EditRequest request;
    request.ref.document_id = pushed->id;
    request.edit.offset = 0;
    request.edit.new_string = std::to_string(editor) + "." + std::to_string(number) + "\n";
    service->edit(std::move(request), [&, editor, number](const Result<Edited>& edited) {
      ++answers;
      ASSERT_TRUE(edited.ok()) << edited.error().text();
      EXPECT_TRUE(versions.insert(edited->document.version).second);
      editNext(editor, number + 1);
    });
  };
  for (int editor = 0; editor < kEditors; ++editor) editNext(editor, 0);
  while (answers < kEditors * kEditsEach) ASSERT_TRUE(loop.runOne());
  EXPECT_EQ(versions.size(), static_cast<std::size_t>(kEditors * kEditsEach));
  const auto newest = read(pushed->id);
  ASSERT_TRUE(newest.ok()) << newest.error().text();
  EXPECT_EQ(newest->version.version, 1 + kEditors * kEditsEach);
  const std::string& text = newest->bytes;
  for (int editor = 0; editor < kEditors; ++editor)
    for (int number = 0; number < kEditsEach; ++number) {
      const std::string line = std::to_string(editor) + "." + std::to_string(number) + "\n";
      EXPECT_TRUE(("\n" + text).find("\n" + line) != std::string::npos) << line;
    }
  // A version is the one before it with one line more.
  std::string before = read(pushed->id, newest->version.version - 20)->bytes;
  for (std::int64_t version = newest->version.version - 19; version <= newest->version.version;
       ++version) {
    const std::string now = read(pushed->id, version)->bytes;
    ASSERT_TRUE(now.ends_with(before)) << version;
    EXPECT_EQ(std::count(now.begin(), now.end(), '\n'),
              std::count(before.begin(), before.end(), '\n') + 1);
    before = now;
  }
  expectSound();
}

TEST_F(ServiceTest, AnEditThatMakesATextAFileOrAFileSmallAgainIsDoneAllTheSame) {
  const auto pushed = push("a.txt", "end");
  const auto grown = edit(pushed->id, {std::string(70'000, 'x'), {}, false, 0, {}});
  ASSERT_TRUE(grown.ok()) << grown.error().text();
  EXPECT_EQ(grown->document.version, 2);
  EXPECT_EQ(read(pushed->id)->bytes, std::string(70'000, 'x') + "end");
  const auto shrunk = edit(pushed->id, {"", {}, false, 0, 70'000});
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().text();
  EXPECT_EQ(shrunk->document.version, 3);
  EXPECT_EQ(read(pushed->id)->bytes, "end");
  expectSound();
}

TEST_F(ServiceTest, AnEditBesideManyOtherWritersOfItsDocumentNeedsNoLuck) {
  ServiceOptions options;
  options.retention.versions_max = 0;
  open(options);
  const auto pushed = push("a.txt", "0 mark");
  // More writers stand before and behind it than any number of tries.
  constexpr int kWrites = 400;
  int written = 0;
  const auto count = [&](const Result<Changed>& changed) {
    ++written;
    EXPECT_TRUE(changed.ok()) << changed.error().text();
  };
  std::optional<Result<Edited>> edited;
  for (int i = 0; i < kWrites; ++i) {
    WriteRequest request;
    request.ref.document_id = pushed->id;
    request.content = std::to_string(i) + " mark";
    service->write(std::move(request), count);
    if (i != kWrites / 2) continue;
    EditRequest change;
    change.ref.document_id = pushed->id;
    change.edit = {"edited", "mark", false, {}, {}};
    service->edit(std::move(change), [&](Result<Edited> result) { edited.emplace(result); });
  }
  while (written < kWrites || !edited) ASSERT_TRUE(loop.runOne());
  ASSERT_TRUE(edited->ok()) << edited->error().text();
  EXPECT_EQ(read(pushed->id, (*edited)->document.version)->bytes,
            std::to_string(kWrites / 2) + " edited")
      << "in its turn: after the writes before it, before those behind it";
}

TEST_F(ServiceTest, ARepeatedCallWithItsKeyIsDoneOnce) {
  PushRequest request;
  request.filename = "a.txt";
  request.content = "text";
  request.idempotency_key = "k1";
  const auto one = push(request);
  const auto two = push(request);
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->id, two->id);
  request.content = "other";
  const auto reused = push(request);
  EXPECT_ERROR(reused, "idempotency_key_reused");
  EXPECT_EQ(reused.error().message(),
            "idempotency_key 'k1' was used before with other arguments of doc_push")
      << "as the caller wrote it";
  EditRequest change;
  change.ref.document_id = one->id;
  change.edit = {"T", "t", false, {}, {}};
  change.edit.replace_all = true;
  change.idempotency_key = "k1";
  for (int i = 0; i < 2; ++i) {
    const auto edited = await<Edited>([&](auto done) { service->edit(change, done); });
    ASSERT_TRUE(edited.ok()) << edited.error().text();
    EXPECT_EQ(edited->replacements_made, 2);
    EXPECT_EQ(edited->document.version, 2);
  }
  change.note = "another reason";
  EXPECT_ERROR(await<Edited>([&](auto done) { service->edit(change, done); }),
               "idempotency_key_reused");
}

TEST_F(ServiceTest, AServiceThatGoesLeavesTheStoreWhatItWasGiven) {
  constexpr int kPushes = 50;
  for (int i = 0; i < kPushes; ++i) {
    PushRequest request;
    request.filename = "a" + std::to_string(i);
    request.content = "text";
    service->push(std::move(request), [](Result<Document>) {});
  }
  service.reset();
  open();
  DocumentFilter filter;
  filter.count_max = kPushes;
  EXPECT_EQ(names(filter).size(), static_cast<std::size_t>(kPushes));
}

TEST_F(ServiceTest, BadNamesTagsAndMetadataAreNamedErrors) {
  EXPECT_ERROR(push("a\nb", "x"), "invalid_filename");
  EXPECT_ERROR(push("../a", "x"), "invalid_filename");
  EXPECT_ERROR(push("", "x"), "filename_required");
  EXPECT_ERROR(push("a\xff", "x"), "invalid_filename");
  PushRequest request;
  request.filename = "a";
  request.content = "x";
  request.tags = {"a,b"};
  EXPECT_ERROR(push(request), "invalid_tag");
  request.tags = {};
  request.metadata = {{"k\n", "v"}};
  EXPECT_ERROR(push(request), "invalid_metadata");
  request.metadata = {};
  request.content_type = "text";
  EXPECT_ERROR(push(request), "invalid_content_type");
  EXPECT_TRUE(names({}).empty());
}

TEST_F(ServiceTest, QueriesFindByNameTagsMetadataAndPageByCursor) {
  for (int i = 0; i < 10; ++i) {
    PushRequest request;
    request.filename = "report_" + std::to_string(i) + ".md";
    request.content = "x" + std::to_string(i);
    request.tags = {"all", i % 2 == 0 ? "even" : "odd"};
    request.metadata = {{"number", std::to_string(i)}};
    ASSERT_TRUE(push(request).ok());
  }
  DocumentFilter filter;
  filter.tags = {"all", "odd"};
  EXPECT_EQ(names(filter).size(), 5U);
  filter = {};
  filter.metadata = {{"number", "7"}};
  EXPECT_EQ(names(filter), (std::vector<std::string>{"report_7.md"}));
  filter = {};
  filter.name_contains = "T_3";
  EXPECT_EQ(names(filter), (std::vector<std::string>{"report_3.md"}));
  filter.name_contains = "%";
  EXPECT_TRUE(names(filter).empty());
  filter = {};
  filter.name_glob = "report_[12].md";
  EXPECT_EQ(names(filter).size(), 2U);
  filter = {};
  filter.order = Order::Name;
  filter.direction = Direction::Descending;
  filter.count_max = 4;
  std::vector<std::string> all;
  do {
    const auto page = query(filter);
    ASSERT_TRUE(page.ok()) << page.error().text();
    for (const auto& one : page->documents) all.push_back(one.document.filename);
    filter.after = page->next;
  } while (!filter.after.empty());
  EXPECT_EQ(all.size(), 10U);
  EXPECT_EQ(all.front(), "report_9.md");
  filter.after = "nonsense";
  EXPECT_ERROR(query(filter), "invalid_cursor");
}

TEST_F(ServiceTest, AQueryForMoreTagsThanADocumentHasIsRefused) {
  DocumentFilter filter;
  for (int i = 0; i < 2000; ++i) filter.tags.push_back("t" + std::to_string(i));
  EXPECT_ERROR(query(filter), "tags_max");
}

TEST_F(ServiceTest, AnAgentSeesItsTreeItsProjectAndGlobalOnly) {
  addSession("ses_a", "", "/p/one");
  addSession("ses_b", "ses_a", "/p/one");
  addSession("ses_c", "", "/p/two");
  const auto own = push("own.md", "x", {}, {"ses_b"});
  ASSERT_TRUE(own.ok()) << own.error().text();
  EXPECT_EQ(own->partition, "tree_ses_a");
  ASSERT_TRUE(push("shared.md", "x", {Scope::Project, {}, false}, {"ses_a"}).ok());
  ASSERT_TRUE(push("global.md", "x").ok());
  EXPECT_EQ(names({}, {"ses_a"}), (std::vector<std::string>{"own.md"}));
  EXPECT_TRUE(names({}, {"ses_c"}).empty());
  EXPECT_ERROR(info(own->id, {"ses_c"}), "document_not_found");
  EXPECT_ERROR(remove(own->id, {"ses_c"}), "document_not_found");
  DocumentFilter filter;
  filter.place.scope = Scope::Visible;
  EXPECT_EQ(names(filter, {"ses_b"}).size(), 3U);
  EXPECT_EQ(names(filter, {"ses_c"}), (std::vector<std::string>{"global.md"}));
  EXPECT_EQ(names(filter).size(), 3U);
  filter.place = {Scope::Default, "tree_ses_a", false};
  EXPECT_ERROR(query(filter, {"ses_c"}), "partition_not_found");
}

TEST_F(ServiceTest, ADeletedParentTakesItsChildrenAlongChildrenFirst) {
  const auto a = push("a", "1"), b = push("b", "2"), c = push("c", "3");
  ASSERT_TRUE(relate("parent-child", a->id, b->id).ok());
  ASSERT_TRUE(relate("parent-child", b->id, c->id).ok());
  EXPECT_ERROR(relate("parent-child", c->id, a->id), "relation_cycle");
  EXPECT_ERROR(relate("related", c->id, c->id), "relation_to_itself");
  EXPECT_ERROR(relate("parent-child", a->id, b->id), "relation_exists");
  EXPECT_ERROR(relate("nonsense", a->id, b->id), "invalid_relation_definition");
  const auto seen = info(b->id);
  ASSERT_TRUE(seen.ok());
  ASSERT_EQ(seen->relations.size(), 2U);
  EXPECT_EQ(seen->relations[0].relation_type, "parent");
  EXPECT_EQ(seen->relations[1].relation_type, "child");
  const auto gone = remove(a->id);
  ASSERT_TRUE(gone.ok()) << gone.error().text();
  EXPECT_EQ(*gone, (std::vector<std::string>{c->id, b->id, a->id}));
  expectSound();
}

TEST_F(ServiceTest, VersionsAreListedReadComparedAndRestored) {
  const auto pushed = push("a.txt", "one\ntwo\n");
  ASSERT_TRUE(write(pushed->id, "one\n2\n").ok());
  const auto diff = await<DiffAnswer>([&](auto done) {
    service->diff({{}, {pushed->id, {}}, 0, 0}, done);
  });
  ASSERT_TRUE(diff.ok()) << diff.error().text();
  EXPECT_EQ(diff->diff.unified,
            "--- a.txt\tversion 1\n+++ a.txt\tversion 2\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
  const auto restored = await<Changed>([&](auto done) {
    service->restore({}, {{pushed->id, {}}, 1, {}, {}}, done);
  });
  ASSERT_TRUE(restored.ok()) << restored.error().text();
  EXPECT_EQ(restored->document.version, 3);
  EXPECT_EQ(read(pushed->id)->bytes, "one\ntwo\n");
  const auto versions = await<VersionPage>([&](auto done) {
    service->versions({}, {pushed->id, {}}, {}, 2, done);
  });
  ASSERT_TRUE(versions.ok());
  ASSERT_EQ(versions->versions.size(), 2U);
  EXPECT_EQ(versions->versions[0].note, "restored from version 1");
  EXPECT_EQ(versions->next, "2");
  EXPECT_ERROR(read(pushed->id, 9), "version_not_found");
  expectSound();
}

TEST_F(ServiceTest, TheRetentionKeepsTheNewestVersions) {
  ServiceOptions options;
  options.retention.versions_max = 3;
  open(options);
  const auto pushed = push("a.txt", std::string(70'000, 'a'));
  for (const char c : {'b', 'c', 'd', 'e'})
    ASSERT_TRUE(write(pushed->id, std::string(70'000, c)).ok());
  EXPECT_ERROR(read(pushed->id, 2), "version_not_found");
  EXPECT_TRUE(read(pushed->id, 3).ok());
  ASSERT_TRUE(sweep().ok());
  const auto checked = checkDocuments(*store, service->files());
  EXPECT_EQ(checked->files, 3);
  expectSound();
}

TEST_F(ServiceTest, AnUploadInPiecesBecomesADocumentAndOneCutOffLeavesNothing) {
  auto upload = service->openUpload();
  for (int i = 0; i < 5; ++i) {
    const auto taken =
        await<Unit>([&](auto done) { upload->append(std::string(50'000, 'a'), done); });
    ASSERT_TRUE(taken.ok()) << taken.error().text();
  }
  PushRequest request;
  request.filename = "up.bin";
  request.content = std::move(upload);
  const auto pushed = push(std::move(request));
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  EXPECT_EQ(pushed->size_bytes, 250'000);

  auto cut = service->openUpload();
  ASSERT_TRUE(await<Unit>([&](auto done) { cut->append(std::string(100'000, 'b'), done); }).ok());
  cut.reset();
  ASSERT_TRUE(sweep().ok());
  expectSound();

  const auto download = await<std::shared_ptr<Download>>([&](auto done) {
    DownloadRequest wanted;
    wanted.ref.document_id = pushed->id;
    wanted.bytes = ByteRange{10, 200'000, {}};
    service->openDownload(wanted, done);
  });
  ASSERT_TRUE(download.ok()) << download.error().text();
  std::int64_t size = 0;
  for (;;) {
    const auto piece = await<std::string>([&](auto done) { (*download)->next(done); });
    ASSERT_TRUE(piece.ok());
    if (piece->empty()) break;
    size += static_cast<std::int64_t>(piece->size());
  }
  EXPECT_EQ(size, 199'991);
}

TEST_F(ServiceTest, PathsAreFollowedInsideTheRootsOnly) {
  TempFolder files;
  TempFolder secret;
  std::ofstream(files.path() / "a.md") << "inside";
  std::ofstream(secret.path() / "key") << "secret";
  std::filesystem::create_symlink(secret.path() / "key", files.path() / "link");
  std::filesystem::create_directory_symlink(secret.path(), files.path() / "out");
  ServiceOptions options;
  options.roots = {files.path()};
  open(options);
  const auto from = [&](const std::filesystem::path& path) {
    PushRequest request;
    request.content = FromPath{path};
    return push(request);
  };
  const auto inside = from(files.path() / "a.md");
  ASSERT_TRUE(inside.ok()) << inside.error().text();
  EXPECT_EQ(inside->filename, "a.md");
  EXPECT_ERROR(from(files.path() / "link"), "path_outside_roots");
  EXPECT_ERROR(from(files.path() / "out" / "key"), "path_outside_roots");
  EXPECT_ERROR(from(files.path() / ".." / secret.path().filename() / "key"), "path_outside_roots");
  EXPECT_ERROR(from(files.path() / "none"), "file_not_found");
  EXPECT_ERROR(from("a.md"), "path_not_absolute");
  const auto pull = [&](const std::filesystem::path& path, bool overwrite) {
    return await<Pulled>([&](auto done) {
      service->pull({{}, {inside->id, {}}, 0, path, overwrite}, done);
    });
  };
  ASSERT_TRUE(pull(files.path() / "copy.md", true).ok());
  EXPECT_EQ(std::filesystem::file_size(files.path() / "copy.md"), 6U);
  EXPECT_ERROR(pull(files.path() / "copy.md", false), "file_exists");
  EXPECT_ERROR(pull(files.path() / "out" / "new", true), "path_outside_roots");
  EXPECT_ERROR(pull(files.path() / "link", true), "not_a_file");
  EXPECT_FALSE(std::filesystem::exists(secret.path() / "new"));
}

}  // namespace
}  // namespace tutti::documents
