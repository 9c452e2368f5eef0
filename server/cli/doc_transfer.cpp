// `tutti doc push`, `pull` and `cat`: content in and out, in pieces.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/cli/doc_desk.hpp"
#include "server/cli/print.hpp"
#include "server/cli/transfer_bar.hpp"
#include "server/documents/inside.hpp"

namespace tutti::cli {
namespace fs = std::filesystem;
namespace {

using documents::Download;
using documents::Upload;

/// Where a push takes its bytes from: a file, or standard input.
struct Source {
  Fd fd;
  std::string name;
  std::int64_t size = -1;  ///< -1: not known
};

Result<Source> openSource(const std::string& file) {
  Source source;
  if (file == "-") {
    source.fd.reset(::dup(STDIN_FILENO));
  } else {
    source.fd.reset(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    source.name = fs::path(file).filename().string();
  }
  struct stat info {};
  if (source.fd.get() < 0 || ::fstat(source.fd.get(), &info) != 0)
    return Error(Code::NotFound, "'" + file + "' cannot be read: " + errnoText(errno),
                 "give a file that is there, or - for standard input")
        .named("file_not_found");
  if (S_ISDIR(info.st_mode))
    return Error(Code::InvalidArgument, "'" + file + "' is a folder", "give files")
        .named("not_a_file");
  if (S_ISREG(info.st_mode)) source.size = info.st_size;
  return source;
}

/// At most one piece; "" at the end. Waits for it, as long as no signal ends the command.
Result<std::string> readPiece(DocDesk& desk, int fd) {
  std::string piece(documents::kPieceBytesMax, '\0');
  std::size_t size = 0;
  while (size < piece.size()) {
    if (Status there = desk.awaitInput(fd); !there.ok()) return std::move(there).error();
    const ssize_t got = ::read(fd, piece.data() + size, piece.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(Code::Internal, "cannot read: " + errnoText(errno)).named("io_error");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  piece.resize(size);
  return piece;
}

Result<std::shared_ptr<Upload>> sendAll(DocDesk& desk, const Source& source) {
  auto upload = desk.service().openUpload();
  TransferBar bar(source.name.empty() ? "stdin" : source.name, source.size);
  for (;;) {
    auto piece = readPiece(desk, source.fd.get());
    if (!piece.ok()) return std::move(piece).error();
    if (piece->empty()) return upload;
    const Status taken = desk.await<Unit>([&](auto done) {
      upload->append(std::move(*piece), [done](Status status) { done(std::move(status)); });
    });
    if (!taken.ok()) return taken.error();
    bar.at(upload->size());
  }
}

Result<std::map<std::string, std::string>> metadataFrom(const DocPushRequest& request) {
  std::map<std::string, std::string> metadata;
  for (const std::string& pair : request.metadata) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(Code::InvalidArgument, "metadata '" + pair + "' is no key=value",
                   "as in --meta topic=security")
          .named("invalid_metadata");
    metadata[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  if (!request.description.empty()) metadata["description"] = request.description;
  return metadata;
}

Result<documents::Document> putNext(DocDesk& desk, const DocPushRequest& request,
                                    std::shared_ptr<Upload> upload) {
  auto ref = desk.find(request.document);
  if (!ref.ok()) return std::move(ref).error();
  documents::WriteRequest write;
  write.caller = desk.caller();
  write.ref = std::move(*ref);
  write.content = std::move(upload);
  write.content_type = request.content_type;
  write.note = request.note;
  write.expected_version = request.expected_version;
  auto changed = desk.await<documents::Changed>(
      [&](auto done) { desk.service().write(std::move(write), std::move(done)); });
  if (!changed.ok()) return std::move(changed).error();
  if (!changed->changed) std::fputs("the newest version has this content already\n", stderr);
  return std::move(changed->document);
}

Result<documents::Document> putNew(DocDesk& desk, const DocPushRequest& request,
                                   const Source& source, std::shared_ptr<Upload> upload) {
  documents::PushRequest push;
  push.caller = desk.caller();
  push.place = desk.place();
  push.filename = request.name.empty() ? source.name : request.name;
  if (push.filename.empty())
    return Error(Code::InvalidArgument, "standard input has no name", "give one by --name")
        .named("filename_required");
  push.content_type = request.content_type;
  push.tags = request.tags;
  auto metadata = metadataFrom(request);
  if (!metadata.ok()) return std::move(metadata).error();
  push.metadata = std::move(*metadata);
  push.content = std::move(upload);
  push.note = request.note;
  return desk.await<documents::Document>(
      [&](auto done) { desk.service().push(std::move(push), std::move(done)); });
}

Result<documents::Document> pushOne(DocDesk& desk, const DocPushRequest& request,
                                    const std::string& file) {
  auto source = openSource(file);
  if (!source.ok()) return std::move(source).error();
  auto upload = sendAll(desk, *source);
  if (!upload.ok()) return std::move(upload).error();
  return request.document.empty() ? putNew(desk, request, *source, std::move(*upload))
                                  : putNext(desk, request, std::move(*upload));
}

using Take = std::function<Status(std::string_view)>;

Status receiveAll(DocDesk& desk, Download& download, Stdout out, const Take& take) {
  TransferBar bar(download.document().filename, download.bytesEnd() - download.bytesStart(), out);
  for (std::int64_t done_bytes = 0;;) {
    auto piece = desk.await<std::string>([&](auto done) { download.next(std::move(done)); });
    if (!piece.ok()) return std::move(piece).error();
    if (piece->empty()) return ok();
    const Status taken = take(*piece);
    if (Status on = desk.goOn(); !on.ok()) return on;
    if (!taken.ok()) return taken;
    done_bytes += std::ssize(*piece);
    bar.at(done_bytes);
  }
}

Result<std::shared_ptr<Download>> openDownload(DocDesk& desk, const DocPullRequest& request) {
  auto ref = desk.find(request.document);
  if (!ref.ok()) return std::move(ref).error();
  documents::DownloadRequest download;
  download.caller = desk.caller();
  download.ref = std::move(*ref);
  download.version = request.version;
  if (request.offset || request.limit)
    download.characters = documents::CharacterRange{request.offset.value_or(0), request.limit};
  return desk.await<std::shared_ptr<Download>>(
      [&](auto done) { desk.service().openDownload(std::move(download), std::move(done)); });
}

/// To a file beside it that takes its name at the end: there is never half of it.
Status saveTo(DocDesk& desk, Download& download, const fs::path& path, bool force) {
  std::error_code none;
  if (!fs::is_directory(path.parent_path(), none))
    return Error(Code::NotFound, "there is no folder '" + path.parent_path().string() + "'",
                 "make it, or give another --output")
        .named("folder_not_found");
  auto writer = documents::InsideWriter::open({path.parent_path()}, path);
  if (!writer.ok()) return std::move(writer).error();
  Status received = receiveAll(desk, download, Stdout::Free,
                               [&](std::string_view piece) { return writer->append(piece); });
  if (!received.ok()) return received;
  Status named = writer->finish(force ? documents::Overwrite::Yes : documents::Overwrite::No);
  if (!named.ok() && named.error().name() == "file_exists")
    return Error(Code::Conflict, named.error().message(), "replace it by --force, or give --output")
        .named("file_exists");
  return named;
}

}  // namespace

int runDocPush(const Settings& settings, const DocPushRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  std::vector<std::string> files = request.files;
  if (files.empty()) files.emplace_back("-");
  if (files.size() > 1 && (!request.name.empty() || !request.document.empty()))
    return printError(Error(Code::InvalidArgument, "--name and --document are for one file",
                            "push the files one by one"));
  int status = 0;
  for (const std::string& file : files) {
    auto pushed = pushOne(**desk, request, file);
    if (!pushed.ok()) {
      status = DocDesk::failed(pushed.error());
      if (pushed.error().code() == Code::Cancelled) return status;
      continue;
    }
    if (!printDocument(*pushed, request.format)) return 1;
  }
  return status;
}

int runDocPull(const Settings& settings, const DocPullRequest& request) {
  if (request.output == "-") return runDocCat(settings, request);
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto download = openDownload(**desk, request);
  if (!download.ok()) return DocDesk::failed(download.error());
  const std::string& name = (*download)->document().filename;
  std::error_code failed;
  fs::path path = fs::absolute(request.output.empty() ? fs::path(name) : fs::path(request.output));
  if (fs::is_directory(path, failed)) path /= name;
  if (Status saved = saveTo(**desk, **download, path.lexically_normal(), request.force);
      !saved.ok())
    return DocDesk::failed(saved.error());
  const std::int64_t size = (*download)->bytesEnd() - (*download)->bytesStart();
  if (request.format == Format::Json)
    return printJson({{"success", true},
                      {"document_id", (*download)->document().id},
                      {"filename", name},
                      {"file_path", path.string()},
                      {"size_bytes", size}});
  return printOut(path.string() + "  " + sizeText(size) + "\n") ? 0 : 1;
}

int runDocCat(const Settings& settings, const DocPullRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto download = openDownload(**desk, request);
  if (!download.ok()) return DocDesk::failed(download.error());
  const Status shown =
      receiveAll(**desk, **download, Stdout::Content, [](std::string_view piece) -> Status {
        if (printOut(piece)) return ok();
        return Error(Code::Cancelled, "nobody reads any more").named("no_reader");
      });
  // As for other programs in front of head or less: no reason to complain.
  if (!shown.ok() && shown.error().name() == "no_reader") return 1;
  return shown.ok() ? 0 : DocDesk::failed(shown.error());
}

}  // namespace tutti::cli
