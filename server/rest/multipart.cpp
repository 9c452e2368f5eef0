#include "server/rest/multipart.hpp"

#include <algorithm>
#include <cstring>

#include "server/base/text.hpp"
#include "server/rest/header_fields.hpp"

namespace tutti::rest {
namespace {

Error malformed(std::string what) {
  return Error(Code::InvalidArgument, std::move(what),
               "send multipart/form-data as RFC 7578 has it")
      .named("invalid_multipart");
}

/// How much of `text`'s end may be the beginning of `delimiter`.
std::size_t beginningAtEnd(std::string_view text, std::string_view delimiter) {
  std::size_t size = std::min(text.size(), delimiter.size() - 1);
  for (; size > 0; --size)
    if (text.substr(text.size() - size) == delimiter.substr(0, size)) return size;
  return 0;
}

std::size_t findIn(std::string_view text, std::string_view what) {
  const void* found = ::memmem(text.data(), text.size(), what.data(), what.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

Status readDisposition(std::string_view value, PartHead& head) {
  const auto field = parseParameterized(value);
  if (!field || field->value != "form-data")
    return malformed("a part's Content-Disposition is not form-data");
  const std::string* name = field->parameter("name");
  if (name == nullptr)
    return malformed(R"(The Content-Disposition header field "name" must be provided.)");
  head.name = *name;
  if (const std::string* filename = field->parameter("filename")) head.filename = *filename;
  if (const std::string* extended = field->parameter("filename*"))
    if (auto decoded = decodeExtendedValue(*extended)) head.filename = std::move(*decoded);
  return ok();
}

/// `text` is the header lines, each with its CR LF.
Result<PartHead> parseHead(std::string_view text) {
  PartHead head;
  bool disposed = false;
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0)
      return malformed("a line of a part's head has no name");
    const std::string name = lowerAscii(line.substr(0, colon));
    const std::string_view value = trimmedField(line.substr(colon + 1));
    if (name == "content-disposition") {
      if (const Status read = readDisposition(value, head); !read.ok()) return read.error();
      disposed = true;
    } else if (name == "content-type") {
      head.content_type = toValidUtf8(value);
    }
  }
  if (!disposed) return malformed("a part has no Content-Disposition");
  return head;
}

}  // namespace

Result<std::string> multipartBoundary(std::string_view content_type) {
  const auto field = parseParameterized(content_type);
  if (!field || field->value != "multipart/form-data")
    return malformed("the Content-Type is not multipart/form-data");
  const std::string* boundary = field->parameter("boundary");
  if (boundary == nullptr) return malformed("Missing boundary in multipart.");
  const bool printable =
      std::all_of(boundary->begin(), boundary->end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (boundary->empty() || boundary->size() > 70 || !printable)
    return malformed("the boundary must be 1 to 70 printable characters");
  return *boundary;
}

MultipartReader::MultipartReader(std::string_view boundary, PartSink& sink, MultipartLimits limits)
    : delimiter_("\r\n--" + std::string(boundary)), sink_(sink), limits_(limits), kept_("\r\n") {}

Status MultipartReader::append(std::string_view bytes) {
  std::string joined;
  if (!kept_.empty()) {
    joined = std::exchange(kept_, {});
    joined += bytes;
    bytes = joined;
  }
  while (!bytes.empty()) {
    const Result<bool> went_on = step(bytes);
    if (!went_on.ok()) return went_on.error();
    if (!*went_on) break;
  }
  kept_.assign(bytes);
  return ok();
}

Status MultipartReader::finish() const {
  if (state_ == State::Epilogue) return ok();
  return malformed("the body ends before its last boundary");
}

Result<bool> MultipartReader::step(std::string_view& bytes) {
  switch (state_) {
    case State::Preamble:
      return skipPreamble(bytes);
    case State::AfterBoundary:
      return afterBoundary(bytes);
    case State::Head:
      return readHead(bytes);
    case State::Start:
      return startData(bytes);
    case State::Data:
      return passData(bytes);
    case State::Epilogue:
      bytes = {};  // RFC 2046 has it ignored
      return true;
  }
  return true;
}

Result<bool> MultipartReader::skipPreamble(std::string_view& bytes) {
  const std::size_t found = findIn(bytes, delimiter_);
  const bool here = found != std::string_view::npos;
  const std::size_t skipped = here ? found : bytes.size() - beginningAtEnd(bytes, delimiter_);
  preamble_bytes_ += skipped;
  if (preamble_bytes_ > limits_.preamble_bytes_max) return malformed("there is no boundary");
  bytes.remove_prefix(here ? skipped + delimiter_.size() : skipped);
  if (here) state_ = State::AfterBoundary;
  return here;
}

Result<bool> MultipartReader::afterBoundary(std::string_view& bytes) {
  const std::size_t padding = std::min(bytes.find_first_not_of(" \t"), bytes.size());
  if (padding > 256) return malformed("too many spaces behind a boundary");
  if (bytes.size() < padding + 2) return false;
  const std::string_view mark = bytes.substr(padding, 2);
  if (mark == "--" && padding == 0) {
    state_ = State::Epilogue;
  } else if (mark == "\r\n") {
    if (++parts_ > limits_.parts_max)
      return Error(Code::ResourceExhausted,
                   "the body has more than " + std::to_string(limits_.parts_max) + " parts",
                   "send one file a request")
          .named("parts_max");
    state_ = State::Head;
  } else {
    return malformed("a boundary is followed by neither a line's end nor '--'");
  }
  bytes.remove_prefix(padding + 2);
  return true;
}

Result<bool> MultipartReader::readHead(std::string_view& bytes) {
  // A head may be nothing but its empty line.
  const bool empty = bytes.substr(0, 2) == "\r\n";
  const std::size_t found =
      empty ? 0 : findIn(bytes.substr(0, limits_.part_head_bytes_max + 4), "\r\n\r\n");
  if (found == std::string_view::npos) {
    if (bytes.size() >= limits_.part_head_bytes_max + 4)
      return Error(Code::ResourceExhausted,
                   "a part's head is longer than " + std::to_string(limits_.part_head_bytes_max) +
                       " bytes",
                   "shorten the file's name")
          .named("part_head_bytes_max");
    return false;
  }
  auto head = parseHead(bytes.substr(0, empty ? 0 : found + 2));
  if (!head.ok()) return std::move(head).error();
  // The empty line's end stays: it may be that of the next boundary.
  bytes.remove_prefix(empty ? 0 : found + 2);
  if (const Status begun = sink_.partBegins(std::move(*head)); !begun.ok()) return begun.error();
  state_ = State::Start;
  return true;
}

bool MultipartReader::startData(std::string_view& bytes) {
  const std::size_t compared = std::min(bytes.size(), delimiter_.size());
  const bool boundary =
      bytes.substr(0, compared) == std::string_view(delimiter_).substr(0, compared);
  if (boundary && compared < delimiter_.size()) return false;
  if (!boundary) bytes.remove_prefix(2);
  state_ = State::Data;
  return true;
}

Result<bool> MultipartReader::passData(std::string_view& bytes) {
  const std::size_t found = findIn(bytes, delimiter_);
  const bool here = found != std::string_view::npos;
  const std::size_t size = here ? found : bytes.size() - beginningAtEnd(bytes, delimiter_);
  if (size > 0)
    if (const Status passed = sink_.partData(bytes.substr(0, size)); !passed.ok())
      return passed.error();
  bytes.remove_prefix(here ? size + delimiter_.size() : size);
  if (!here) return false;
  if (const Status ended = sink_.partEnds(); !ended.ok()) return ended.error();
  state_ = State::AfterBoundary;
  return true;
}

}  // namespace tutti::rest
