// Content on its way in: pushed, written, edited.
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/text.hpp"
#include "server/documents/inside.hpp"
#include "server/documents/rows.hpp"
#include "server/documents/service_impl.hpp"

namespace tutti::documents {
namespace {
constexpr std::size_t kHashedAtOnceMax = 16U * 1024;  // on the I/O thread: 50 µs
constexpr int kPiecesInTurn = 8;                      // of a file, before others have their turn
constexpr int kEditTriesMax = 128;  // a slow process beside a fast one loses many in a row

Json placeJson(const Place& place) {
  return Json::array({static_cast<int>(place.scope), place.partition});
}

Result<std::string> readPiece(int fd) {
  std::string piece(kPieceBytesMax, '\0');
  for (;;) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ioError(errno, "read", "the file to push");
    piece.resize(static_cast<std::size_t>(got));
    return piece;
  }
}

Error notText(const std::string& content_type) {
  return Error(Code::InvalidArgument,
               "Edit only supported for text content types (got: " + content_type + ")",
               "write the whole content with doc_write")
      .named("not_text");
}

Json optionalJson(const std::optional<std::int64_t>& value) {
  return value ? Json(*value) : Json(nullptr);
}
}  // namespace

std::vector<std::filesystem::path> DocumentService::Impl::rootsOf(const Viewer& viewer) const {
  std::vector<std::filesystem::path> roots = parts.options.roots;
  const auto& more = parts.options.user_roots;
  if (!viewer.is_agent) roots.insert(roots.end(), more.begin(), more.end());
  if (!viewer.project_dir.empty()) roots.emplace_back(viewer.project_dir);
  return roots;
}

Staged DocumentService::Impl::stage() {
  // What cannot be removed now is left to the next sweep.
  if (!leftovers_swept.exchange(true))
    (void)worker->submit([this] { (void)files.sweepLeftovers(); });
  return files.stage(parts.options.document_bytes_max);
}

void DocumentService::Impl::copyFile(std::shared_ptr<Fd> file, std::shared_ptr<Staged> staged,
                                     ContentDone done) {
  for (int i = 0; i < kPiecesInTurn; ++i) {
    auto piece = readPiece(file->get());
    if (!piece.ok()) return done(std::move(piece).error());
    if (piece->empty())
      return throughBytes(staged->size(), [staged, done] { done(staged->finish()); });
    if (Status taken = staged->append(*piece); !taken.ok()) return done(std::move(taken).error());
  }
  worker->resume([this, file = std::move(file), staged = std::move(staged),
                  done = std::move(done)] { copyFile(file, staged, done); });
}

void DocumentService::Impl::prepare(const Caller& caller, ContentSource source, ContentDone done) {
  auto* bytes = std::get_if<std::string>(&source);
  if (bytes != nullptr && bytes->size() <= kHashedAtOnceMax &&
      static_cast<std::int64_t>(bytes->size()) <= parts.options.document_bytes_max)
    return done(smallContent(std::move(*bytes)));
  std::shared_ptr<Staged> staged;
  if (auto* upload = std::get_if<std::shared_ptr<Upload>>(&source)) {
    auto* own = dynamic_cast<StagedUpload*>(upload->get());
    staged = own == nullptr ? nullptr : own->take();
    if (!staged)
      return done(
          Error(Code::InvalidArgument, "the upload has been used already").named("upload_used"));
  }
  auto last = calledOnce(std::move(done));
  const Status queued = worker->submit([this, caller, source = std::move(source), staged, last] {
    if (staged) return throughBytes(staged->size(), [staged, last] { last(staged->finish()); });
    auto fresh = std::make_shared<Staged>(stage());
    if (const auto* text = std::get_if<std::string>(&source)) {
      if (Status taken = fresh->append(*text); !taken.ok()) return last(std::move(taken).error());
      return last(fresh->finish());
    }
    auto viewer = lookAndWait<Viewer>(
        caller, [](store::Connection&, const Viewer& one) -> Result<Viewer> { return one; });
    if (!viewer.ok()) return last(std::move(viewer).error());
    auto file = openInside(rootsOf(*viewer), std::get<FromPath>(source).path);
    if (!file.ok()) return last(std::move(file).error());
    copyFile(std::make_shared<Fd>(std::move(file->file)), std::move(fresh), last);
  });
  if (!queued.ok()) last(queued.error());
}

void DocumentService::push(PushRequest request, Done<Document> done) {
  if (const auto* from = std::get_if<FromPath>(&request.content); from && request.filename.empty())
    request.filename = from->path.lexically_normal().filename().string();
  // Before a long transfer, what can be told of the rest.
  if (Status named = checkFilename(request.filename, impl_->parts.options.limits); !named.ok())
    return impl_->answer<Document>(std::move(done), std::move(named).error());
  ContentSource source = std::move(request.content);
  const Caller caller = request.caller;
  auto shared = std::make_shared<const PushRequest>(std::move(request));
  Impl* impl = impl_.get();
  impl->prepare(caller, std::move(source), [impl, shared, done](Result<Content> prepared) mutable {
    if (!prepared.ok()) return impl->answer<Document>(std::move(done), std::move(prepared).error());
    auto content = std::make_shared<const Content>(std::move(*prepared));
    RepeatedCall call{"doc_push", keyOf(shared->caller, shared->idempotency_key), {}};
    if (!call.key.empty())
      call.body =
          bodyOf(Json::array({placeJson(shared->place), shared->filename, shared->content_type,
                              shared->tags, shared->metadata, shared->note, content->hash}));
    impl->change<Document>(
        shared->caller,
        [shared, content, call = std::move(call)](store::Tx& tx,
                                                  const Author& author) -> Result<Document> {
          auto before = answerBefore(tx, call);
          if (!before.ok()) return std::move(before).error();
          if (*before) return std::move((*before)->document);
          auto made = createDocument(tx, author,
                                     {shared->place, shared->filename, shared->content_type,
                                      shared->tags, shared->metadata, shared->note},
                                     content.get());
          if (made.ok()) keepAnswer(tx, call, Edited{*made, true, {}, {}}, author.now);
          return made;
        },
        std::move(done));
  });
}

void DocumentService::create(CreateRequest request, Done<Document> done) {
  auto shared = std::make_shared<const CreateRequest>(std::move(request));
  RepeatedCall call{"doc_create", keyOf(shared->caller, shared->idempotency_key), {}};
  if (!call.key.empty())
    call.body = bodyOf(Json::array({placeJson(shared->place), shared->filename,
                                    shared->content_type, shared->tags, shared->metadata}));
  impl_->change<Document>(
      shared->caller,
      [shared, call = std::move(call)](store::Tx& tx, const Author& author) -> Result<Document> {
        auto before = answerBefore(tx, call);
        if (!before.ok()) return std::move(before).error();
        if (*before) return std::move((*before)->document);
        auto made = createDocument(tx, author,
                                   {shared->place,
                                    shared->filename,
                                    shared->content_type,
                                    shared->tags,
                                    shared->metadata,
                                    {}},
                                   nullptr);
        if (made.ok()) keepAnswer(tx, call, Edited{*made, true, {}, {}}, author.now);
        return made;
      },
      std::move(done));
}

void DocumentService::write(WriteRequest request, Done<Changed> done) {
  ContentSource source = std::move(request.content);
  const Caller caller = request.caller;
  auto shared = std::make_shared<const WriteRequest>(std::move(request));
  Impl* impl = impl_.get();
  impl->prepare(caller, std::move(source), [impl, shared, done](Result<Content> prepared) mutable {
    if (!prepared.ok()) return impl->answer<Changed>(std::move(done), std::move(prepared).error());
    auto content = std::make_shared<const Content>(std::move(*prepared));
    RepeatedCall call{"doc_write", keyOf(shared->caller, shared->idempotency_key), {}};
    if (!call.key.empty())
      call.body = bodyOf(Json::array({shared->ref.document_id, shared->content_type, shared->note,
                                      optionalJson(shared->expected_version), content->hash}),
                         shared->precondition);
    impl->change<Changed>(
        shared->caller,
        [impl, shared, content, call = std::move(call)](store::Tx& tx,
                                                        const Author& author) -> Result<Changed> {
          auto before = answerBefore(tx, call);
          if (!before.ok()) return std::move(before).error();
          if (*before) return Changed{std::move((*before)->document), (*before)->changed};
          if (Status held = demand(tx, author.viewer, shared->ref, shared->precondition);
              !held.ok())
            return std::move(held).error();
          auto changed = putContent(
              tx, author,
              {shared->ref, shared->expected_version, shared->content_type, shared->note},
              *content);
          if (!changed.ok()) return changed;
          keepAnswer(tx, call, Edited{changed->document, changed->changed, {}, {}}, author.now);
          impl->sweepSoon(tx);
          return changed;
        },
        std::move(done));
  });
}

// --- editing ---

Result<EditedText> DocumentService::Impl::editedText(const Found& found, const Edit& wanted,
                                                     std::size_t bytes_max) const {
  auto reader = files.open(found.place);
  if (!reader.ok()) return std::move(reader).error();
  auto text = reader->readAll(bytes_max);
  if (!text.ok() && text.error().name() != "content_too_large") return std::move(text).error();
  if (!text.ok())
    return Error(Code::ResourceExhausted, text.error().message(), "write it in parts")
        .named("edit_bytes_max");
  if (!isValidUtf8(*text))
    return Error(Code::InvalidArgument, "document '" + found.document.id + "' is not UTF-8",
                 "write the whole content with doc_write")
        .named("not_utf8");
  return applyEdit(*text, wanted, bytes_max);
}

namespace {
RepeatedCall callOf(const EditRequest& request) {
  if (request.idempotency_key.empty()) return {"doc_edit", {}, {}};
  const Edit& wanted = request.edit;
  Json body =
      Json::array({request.ref.document_id, wanted.new_string,
                   wanted.old_string ? Json(*wanted.old_string) : Json(nullptr), wanted.replace_all,
                   optionalJson(wanted.offset), optionalJson(wanted.length),
                   optionalJson(request.expected_version), request.note});
  return {"doc_edit", keyOf(request.caller, request.idempotency_key),
          bodyOf(std::move(body), request.precondition)};
}

Status checkEditable(const Document& document, const EditRequest& request) {
  if (!isTextType(document.content_type)) return notText(document.content_type);
  const auto expected = request.expected_version;
  if (expected && *expected != document.version) return versionConflict(document, *expected);
  return ok();
}
}  // namespace

/// All in one transaction, as nothing of it is a file: no other change can come in between.
Result<std::optional<Edited>> DocumentService::Impl::editRows(store::Tx& tx, const Author& author,
                                                              const EditRequest& request,
                                                              const RepeatedCall& call) {
  auto before = answerBefore(tx, call);
  if (!before.ok() || *before) return before;
  if (Status held = demand(tx, author.viewer, request.ref, request.precondition); !held.ok())
    return std::move(held).error();
  auto found = find(tx, author.viewer, request.ref, 0);
  if (!found.ok()) return std::move(found).error();
  if (Status may = checkEditable(found->document, request); !may.ok())
    return std::move(may).error();
  if (found->place.in_file) return std::optional<Edited>();
  // No more than a row holds is made here: others wait for this thread.
  auto edited =
      editedText(*found, request.edit, std::min(parts.options.edit_bytes_max, kFileBytesMin - 1));
  if (!edited.ok() && edited.error().name() == "edit_bytes_max") return std::optional<Edited>();
  if (!edited.ok()) return std::move(edited).error();
  if (static_cast<std::int64_t>(edited->text.size()) > parts.options.document_bytes_max)
    return std::optional<Edited>();
  const Content content = smallContent(std::move(edited->text));
  auto put = putContent(tx, author, {request.ref, {}, {}, request.note}, content);
  if (!put.ok()) return std::move(put).error();
  Edited made{std::move(put->document), put->changed, edited->replacements_made,
              edited->edit_range};
  keepAnswer(tx, call, made, author.now);
  sweepSoon(tx);
  return std::optional<Edited>(std::move(made));
}

Result<std::optional<Edited>> DocumentService::Impl::editOnce(const EditRequest& request,
                                                              const RepeatedCall& call) {
  std::optional<Edited> before;
  auto found = lookAndWait<Found>(
      request.caller, [&](store::Connection& db, const Viewer& viewer) -> Result<Found> {
        auto known = answerBefore(db, call);
        if (!known.ok()) return std::move(known).error();
        before = std::move(*known);
        if (before) return Found{};
        if (Status held = demand(db, viewer, request.ref, request.precondition); !held.ok())
          return std::move(held).error();
        return find(db, viewer, request.ref, 0);
      });
  if (!found.ok()) return std::move(found).error();
  if (before) return before;
  Document& document = found->document;
  const auto expected = request.expected_version;
  if (Status may = checkEditable(document, request); !may.ok()) return std::move(may).error();
  auto edited = editedText(*found, request.edit, parts.options.edit_bytes_max);
  const bool gone = !edited.ok() && edited.error().name() == "content_missing";
  if (gone && !expected) {
    auto now =
        lookAndWait<Document>(request.caller, [&](store::Connection& db, const Viewer& viewer) {
          return findDocument(db, viewer, request.ref);
        });
    if (!now.ok()) return std::move(now).error();
    // Still the same version: its content is not replaced but lost.
    if (now->version != document.version) return std::optional<Edited>();
  }
  if (!edited.ok()) return std::move(edited).error();
  Staged staged = stage();
  if (Status taken = staged.append(edited->text); !taken.ok()) return std::move(taken).error();
  auto content = staged.finish();
  if (!content.ok()) return std::move(content).error();
  auto changed = changeAndWait<
      Edited>(request.caller, [&](store::Tx& tx, const Author& author) -> Result<Edited> {
    auto known = answerBefore(tx, call);  // one that was made at the same time
    if (!known.ok()) return std::move(known).error();
    if (*known) return std::move(**known);
    auto put = putContent(tx, author, {request.ref, document.version, {}, request.note}, *content);
    if (!put.ok()) return std::move(put).error();
    Edited made{std::move(put->document), put->changed, edited->replacements_made,
                edited->edit_range};
    keepAnswer(tx, call, made, author.now);
    sweepSoon(tx);
    return made;
  });
  if (changed.ok()) return std::optional<Edited>(std::move(*changed));
  if (changed.error().name() == "version_conflict" && !expected) return std::optional<Edited>();
  return std::move(changed).error();
}

/// Files are written before the transaction. Another writer's change in between is a reason to
/// begin again with what it made.
Result<Edited> DocumentService::Impl::editFile(const EditRequest& request,
                                               const RepeatedCall& call) {
  for (int i = 0; i < kEditTriesMax; ++i) {
    auto edited = editOnce(request, call);
    if (!edited.ok()) return std::move(edited).error();
    if (*edited) return std::move(**edited);
  }
  return Error(Code::Conflict,
               "document '" + request.ref.document_id + "' is changed too often to be edited",
               "try again")
      .named("version_conflict");
}

void DocumentService::edit(EditRequest request, Done<Edited> done) {
  if (Status checked = checkEdit(request.edit); !checked.ok())
    return impl_->answer<Edited>(std::move(done), std::move(checked).error());
  using InRows = std::optional<Edited>;
  Impl* impl = impl_.get();
  auto shared = std::make_shared<const EditRequest>(std::move(request));
  auto call = std::make_shared<const RepeatedCall>(callOf(*shared));
  const auto in_file = [impl, shared, call] { return impl->editFile(*shared, *call); };
  if (shared->edit.new_string.size() >= kFileBytesMin)  // what it makes is no row
    return impl->work<Edited>(in_file, std::move(done));
  impl->change<InRows>(
      shared->caller,
      [impl, shared, call](store::Tx& tx, const Author& author) {
        return impl->editRows(tx, author, *shared, *call);
      },
      [impl, in_file, done = std::move(done)](Result<InRows> edited) mutable {
        if (!edited.ok()) return done(std::move(edited).error());
        if (*edited) return done(std::move(**edited));
        impl->work<Edited>(in_file, std::move(done));
      });
}

std::shared_ptr<Upload> DocumentService::openUpload() {
  return std::make_shared<StagedUpload>(impl_->stage(), impl_->worker, impl_->parts.post);
}

}  // namespace tutti::documents
