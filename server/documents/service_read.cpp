// Content on its way out: read, pulled, downloaded, compared.
#include <algorithm>

#include "server/base/text.hpp"
#include "server/documents/inside.hpp"
#include "server/documents/service_impl.hpp"

namespace tutti::documents {
namespace {
Error notPartial() {
  return Error(Code::InvalidArgument,
               "Partial content retrieval is only supported for text content types",
               "read it whole, or by bytes")
      .named("not_text");
}

Result<FoundRange> findIn(const ContentReader& reader, CharacterRange asked) {
  RangeFinder finder(asked);
  for (std::int64_t at = 0; at < reader.size();) {
    auto piece = reader.read(at, kPieceBytesMax);
    if (!piece.ok()) return std::move(piece).error();
    crashPoint("counting");
    finder.add(*piece);
    at += static_cast<std::int64_t>(piece->size());
  }
  return finder.found();
}

Status applyBytes(const ByteRange& range, std::int64_t size, Opened& opened) {
  const std::int64_t start = range.suffix
                                 ? size - std::min(std::max<std::int64_t>(*range.suffix, 0), size)
                                 : range.first.value_or(0);
  const std::int64_t end =
      range.suffix || !range.last || *range.last >= size ? size : *range.last + 1;
  if (start < 0 || start >= end)
    return Error(Code::InvalidArgument,
                 "the range is not within the content of " + std::to_string(size) + " bytes",
                 "ask for bytes that are there")
        .named("range_not_satisfiable")
        .withDetails("{\"size_bytes\":" + std::to_string(size) + "}");
  opened.bytes_start = start;
  opened.bytes_end = end;
  return ok();
}

/// Enough to tell a text from other bytes that were given a text's type.
constexpr std::size_t kLookedAtMax = 64U * 1024;

/// Without a character that the end of the piece cuts in two.
bool looksLikeText(std::string_view start) {
  if (start.size() == kLookedAtMax)
    for (int i = 0; i < 4 && !start.empty(); ++i) {
      const auto last = static_cast<unsigned char>(start.back());
      if (last < 0x80) break;
      start.remove_suffix(1);
      if (last >= 0xc0) break;
    }
  return isValidUtf8(start);
}
}  // namespace

Result<DocumentService::Impl::Found> DocumentService::Impl::find(store::Connection& db,
                                                                 const Viewer& viewer,
                                                                 const DocumentRef& ref,
                                                                 std::int64_t version) {
  auto document = findDocument(db, viewer, ref);
  if (!document.ok()) return std::move(document).error();
  Found found;
  found.viewer = viewer;
  found.document = std::move(*document);
  if (version == 0 && found.document.version == 0) {
    found.version.document_id = found.document.id;
    found.version.content_type = found.document.content_type;
    return found;
  }
  auto wanted = findVersion(db, found.document, version);
  if (!wanted.ok()) return std::move(wanted).error();
  found.version = std::move(*wanted);
  // The newest content is of the type that the document has now.
  if (found.version.version == found.document.version)
    found.version.content_type = found.document.content_type;
  auto place = findContent(db, found.version.checksum);
  if (!place.ok()) return std::move(place).error();
  found.place = std::move(*place);
  return found;
}

Result<Opened> DocumentService::Impl::open(const OpenRequest& request, Found found) const {
  const bool text_type = isTextType(found.version.content_type);
  if (request.characters && !text_type) return notPartial();
  auto reader = files.open(found.place);
  if (!reader.ok()) return std::move(reader).error();
  Opened opened;
  opened.reader = std::make_shared<ContentReader>(std::move(*reader));
  opened.in_file = found.place.in_file;
  opened.bytes_end = opened.reader->size();
  if (text_type) {
    auto start = opened.reader->read(0, kLookedAtMax);
    if (!start.ok()) return std::move(start).error();
    opened.is_text = looksLikeText(*start);
  }
  if (request.characters) {
    auto range = findIn(*opened.reader, *request.characters);
    if (!range.ok()) return std::move(range).error();
    opened.bytes_start = range->bytes_start;
    opened.bytes_end = range->bytes_end;
    opened.characters = *range;
  } else if (request.bytes) {
    if (Status within = applyBytes(*request.bytes, opened.reader->size(), opened); !within.ok())
      return std::move(within).error();
  }
  opened.document = std::move(found.document);
  opened.version = std::move(found.version);
  return opened;
}

void DocumentService::Impl::opened(OpenRequest request, std::function<void(Result<Opened>)> then) {
  auto found = std::make_shared<Found>();
  auto shared = std::make_shared<const OpenRequest>(std::move(request));
  auto last = calledOnce(std::move(then));
  parts.store.read(
      [shared, found](store::Connection& db) -> Status {
        auto viewer = viewerOf(db, shared->caller);
        if (!viewer.ok()) return std::move(viewer).error();
        auto here = find(db, *viewer, shared->ref, shared->version);
        if (!here.ok()) return std::move(here).error();
        *found = std::move(*here);
        return ok();
      },
      [self = shared_from_this(), shared, found, last](Status status) {
        if (!status.ok()) return last(status.error());
        if (!found->place.in_file) return last(self->open(*shared, std::move(*found)));
        const Status queued = self->worker->submit([impl = self.get(), shared, found, last] {
          // Characters are counted from the content's first byte.
          const std::int64_t bytes = shared->characters ? found->place.size_bytes : 0;
          impl->throughBytes(
              bytes, [impl, shared, found, last] { last(impl->open(*shared, std::move(*found))); });
        });
        if (!queued.ok()) last(queued.error());
      });
}

void DocumentService::read(ReadRequest request, Done<ReadContent> done) {
  Impl* impl = impl_.get();
  const std::size_t bytes_max = request.bytes_max;
  impl->opened(
      {std::move(request.caller), std::move(request.ref), request.version, request.characters,
       request.bytes},
      [impl, bytes_max, done](Result<Opened> opened) mutable {
        if (!opened.ok())
          return impl->answer<ReadContent>(std::move(done), std::move(opened).error());
        const std::int64_t size = opened->bytes_end - opened->bytes_start;
        if (size > static_cast<std::int64_t>(bytes_max)) {
          auto refused = opened->reader->readAll(bytes_max);
          return impl->answer<ReadContent>(std::move(done), std::move(refused).error());
        }
        auto bytes = opened->reader->read(opened->bytes_start, static_cast<std::size_t>(size));
        if (!bytes.ok())
          return impl->answer<ReadContent>(std::move(done), std::move(bytes).error());
        const bool is_text = opened->is_text && isValidUtf8(*bytes);
        impl->answer<ReadContent>(
            std::move(done),
            ReadContent{std::move(opened->document), std::move(opened->version), std::move(*bytes),
                        is_text, opened->characters, opened->bytes_start, opened->reader->size()});
      });
}

void DocumentService::openDownload(DownloadRequest request, Done<std::shared_ptr<Download>> done) {
  using Answer = std::shared_ptr<Download>;
  Impl* impl = impl_.get();
  impl->opened({std::move(request.caller), std::move(request.ref), request.version,
                request.characters, request.bytes},
               [impl, done](Result<Opened> opened) mutable {
                 if (!opened.ok())
                   return impl->answer<Answer>(std::move(done), std::move(opened).error());
                 impl->answer<Answer>(std::move(done),
                                      Answer(std::make_shared<ContentDownload>(
                                          std::move(*opened), impl->worker, impl->parts.post)));
               });
}

namespace {
struct PullJob {
  std::vector<std::filesystem::path> roots;
  std::filesystem::path path;
  Overwrite overwrite = Overwrite::Yes;
};

Result<Pulled> pullTo(const Opened& opened, const PullJob& job) {
  std::filesystem::path path = job.path;
  std::error_code none;
  // Only to choose the name: what is opened is checked again.
  if (std::filesystem::is_directory(path, none)) path /= opened.document.filename;
  auto writer = InsideWriter::open(job.roots, path);
  if (!writer.ok()) return std::move(writer).error();
  for (std::int64_t at = 0; at < opened.reader->size();) {
    auto piece = opened.reader->read(at, kPieceBytesMax);
    if (!piece.ok()) return std::move(piece).error();
    crashPoint("pulling");
    if (Status put = writer->append(*piece); !put.ok()) return std::move(put).error();
    at += static_cast<std::int64_t>(piece->size());
  }
  if (Status put = writer->finish(job.overwrite); !put.ok()) return std::move(put).error();
  return Pulled{opened.document, path, opened.reader->size()};
}
}  // namespace

void DocumentService::pull(PullRequest request, Done<Pulled> done) {
  Impl* impl = impl_.get();
  auto shared = std::make_shared<const PullRequest>(std::move(request));
  auto last = calledOnce<Pulled>([impl, done = std::move(done)](Result<Pulled> pulled) mutable {
    impl->answer<Pulled>(std::move(done), std::move(pulled));
  });
  const Status queued = impl->worker->submit([impl, shared, last] {
    auto found = impl->lookAndWait<Impl::Found>(
        shared->caller, [&](store::Connection& db, const Viewer& viewer) {
          return Impl::find(db, viewer, shared->ref, shared->version);
        });
    if (!found.ok()) return last(std::move(found).error());
    const PullJob job{impl->rootsOf(found->viewer), shared->path,
                      shared->overwrite ? Overwrite::Yes : Overwrite::No};
    auto opened = impl->open({}, std::move(*found));
    if (!opened.ok()) return last(std::move(opened).error());
    impl->throughBytes(opened->reader->size(),
                       [content = *opened, job, last] { last(pullTo(content, job)); });
  });
  if (!queued.ok()) last(queued.error());
}

namespace {
struct Side {
  Version version;
  ContentPlace place;
};
struct Sides {
  Document document;
  Side from;
  Side to;
};

Result<Side> sideOf(store::Connection& db, const Document& document, std::int64_t number) {
  Side side;
  side.version.document_id = document.id;
  if (number < 1) return side;  // nothing, as before the first version
  auto version = findVersion(db, document, number);
  if (!version.ok()) return std::move(version).error();
  auto place = findContent(db, version->checksum);
  if (!place.ok()) return std::move(place).error();
  if (version->version == document.version) version->content_type = document.content_type;
  return Side{std::move(*version), std::move(*place)};
}

Result<Sides> sidesOf(store::Connection& db, const Viewer& viewer, const DiffRequest& request) {
  auto document = findDocument(db, viewer, request.ref);
  if (!document.ok()) return std::move(document).error();
  const std::int64_t to = request.to_version == 0 ? document->version : request.to_version;
  const std::int64_t from = request.from_version == 0 ? to - 1 : request.from_version;
  auto old_side = sideOf(db, *document, from);
  if (!old_side.ok()) return std::move(old_side).error();
  auto new_side = sideOf(db, *document, to);
  if (!new_side.ok()) return std::move(new_side).error();
  return Sides{std::move(*document), std::move(*old_side), std::move(*new_side)};
}

Result<std::string> textOf(const ContentFiles& files, const Side& side, std::size_t bytes_max) {
  if (side.version.version == 0) return std::string();
  const Error not_text = Error(Code::InvalidArgument,
                               "version " + std::to_string(side.version.version) + " is no text",
                               "compare the checksums")
                             .named("not_text");
  if (!isTextType(side.version.content_type)) return not_text;
  auto reader = files.open(side.place);
  if (!reader.ok()) return std::move(reader).error();
  auto text = reader->readAll(bytes_max);
  if (!text.ok() && text.error().name() == "content_too_large")
    return Error(Code::ResourceExhausted, text.error().message(),
                 "pull both versions and compare them with a tool of yours")
        .named("diff_bytes_max");
  if (text.ok() && !isValidUtf8(*text)) return not_text;
  return text;
}
}  // namespace

void DocumentService::diff(DiffRequest request, Done<DiffAnswer> done) {
  Impl* impl = impl_.get();
  auto shared = std::make_shared<const DiffRequest>(std::move(request));
  impl->work<DiffAnswer>(
      [impl, shared]() -> Result<DiffAnswer> {
        auto sides = impl->lookAndWait<Sides>(shared->caller,
                                              [&](store::Connection& db, const Viewer& viewer) {
                                                return sidesOf(db, viewer, *shared);
                                              });
        if (!sides.ok()) return std::move(sides).error();
        DiffOptions options;
        auto old_text = textOf(impl->files, sides->from, options.bytes_max);
        if (!old_text.ok()) return std::move(old_text).error();
        auto new_text = textOf(impl->files, sides->to, options.bytes_max);
        if (!new_text.ok()) return std::move(new_text).error();
        const std::string& name = sides->document.filename;
        options.old_name = name + "\tversion " + std::to_string(sides->from.version.version);
        options.new_name = name + "\tversion " + std::to_string(sides->to.version.version);
        auto diff = diffTexts(*old_text, *new_text, options);
        if (!diff.ok()) return std::move(diff).error();
        return DiffAnswer{std::move(sides->document), std::move(sides->from.version),
                          std::move(sides->to.version), std::move(*diff)};
      },
      std::move(done));
}

}  // namespace tutti::documents
