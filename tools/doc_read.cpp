#include "tools/doc_read.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/digest.hpp"
#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

using documents::CharacterRange;
using documents::ReadContent;
using documents::ReadRequest;

struct Part {
  const char* unit;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t total = 0;
};

/// A second block for who has read a part: what it is and how to get the rest.
mcp::Content whereToGoOn(const Part& part) {
  std::string said = std::string("[") + part.unit + " " + std::to_string(part.start) + " to " +
                     std::to_string(part.end) + " of " + std::to_string(part.total);
  if (part.end < part.total) said += "; go on with offset " + std::to_string(part.end);
  return mcp::Content::ofText(said + "]");
}

mcp::Content blockOf(const ReadContent& read) {
  const std::string& type = read.version.content_type;
  if (read.is_text) return mcp::Content::ofText(read.bytes);
  if (type.starts_with("image/")) return mcp::Content::ofImage(base64(read.bytes), type);
  if (type.starts_with("audio/")) return mcp::Content::ofAudio(base64(read.bytes), type);
  return mcp::Content::ofResource(
      mcp::ResourceContents::ofBytes(documents::documentUri(read.document.id), type, read.bytes));
}

void show(const CallPtr& call, ReadContent read) {
  mcp::ToolOutput output;
  if (read.is_text && !read.characters) {
    const auto found = documents::findRange(read.bytes, {0, DocRead::kCharactersMax});
    if (found.characters_end < found.characters_total) {
      read.bytes.resize(static_cast<std::size_t>(found.bytes_end));
      read.characters = found;
    }
  }
  output.content.push_back(blockOf(read));
  if (const auto& found = read.characters)
    output.content.push_back(whereToGoOn(
        {"characters", found->characters_start, found->characters_end, found->characters_total}));
  call->finish(std::move(output));
}

/// A part of an image or a recording is none: it is given as bytes, also where these look like
/// text.
mcp::Content bytesOf(const ReadContent& read) {
  mcp::ResourceContents contents;
  contents.uri = documents::documentUri(read.document.id);
  contents.mime_type = read.version.content_type;
  contents.binary = true;
  contents.blob = base64(read.bytes);
  return mcp::Content::ofResource(std::move(contents));
}

void showPart(const Context& context, const CallPtr& call, ReadRequest request) {
  const CharacterRange asked = *std::exchange(request.characters, std::nullopt);
  documents::ByteRange bytes;
  bytes.first = asked.offset;
  const std::int64_t size = std::min(asked.limit.value_or(INT64_MAX), DocRead::kPartBytesMax);
  bytes.last = asked.offset > INT64_MAX - size ? INT64_MAX : asked.offset + size - 1;
  request.bytes = bytes;
  context.documents->read(std::move(request), [call](Result<ReadContent> read) {
    if (!read.ok()) return call->finish(std::move(read).error());
    mcp::ToolOutput output;
    output.content.push_back(bytesOf(*read));
    const auto end = read->bytes_start + static_cast<std::int64_t>(read->bytes.size());
    output.content.push_back(whereToGoOn({"bytes", read->bytes_start, end, read->bytes_total}));
    call->finish(std::move(output));
  });
}

/// Of a text that is too large for one answer the beginning is shown; of anything else `refused`.
void showBeginning(const Context& context, const CallPtr& call, ReadRequest request,
                   const Error& refused) {
  request.characters = CharacterRange{0, DocRead::kCharactersMax};
  context.documents->read(std::move(request), [call, refused](Result<ReadContent> read) {
    if (read.ok()) return show(call, std::move(*read));
    if (read.error().name() != "not_text") return call->finish(std::move(read).error());
    call->finish(Error(refused.code(), refused.message(),
                       "read it in parts by offset and limit, or doc_pull writes it to a file")
                     .named(std::string(refused.name()))
                     .withDetails(refused.details()));
  });
}

void showDiff(const Context& context, const CallPtr& call, std::int64_t from) {
  const Json& arguments = call->arguments();
  for (const char* key : {"offset", "limit"})
    if (json::find(arguments, key) != nullptr)
      return call->finish(Error(Code::InvalidArgument,
                                std::string(key) + " is given together with diff_from",
                                "leave it out: the changes are given whole")
                              .named("range_of_diff"));
  documents::DiffRequest request;
  request.caller = documentCaller(call);
  request.ref.document_id = json::stringOr(arguments, "document_id", "");
  request.from_version = from;
  request.to_version = json::integerOr(arguments, "version", 0);
  context.documents->diff(std::move(request), [call](Result<documents::DiffAnswer> answer) {
    if (!answer.ok()) return call->finish(std::move(answer).error());
    mcp::ToolOutput output;
    const bool equal = answer->diff.unified.empty();
    output.content.push_back(
        mcp::Content::ofText(equal ? "[versions " + std::to_string(answer->from.version) + " and " +
                                         std::to_string(answer->to.version) + " are equal]"
                                   : answer->diff.unified));
    call->finish(std::move(output));
  });
}

std::optional<CharacterRange> rangeOf(const Json& arguments) {
  const auto offset = optionalInteger(arguments, "offset");
  const auto limit = optionalInteger(arguments, "limit");
  if (!offset && !limit) return std::nullopt;
  return CharacterRange{offset.value_or(0),
                        std::min(limit.value_or(DocRead::kCharactersMax), DocRead::kCharactersMax)};
}

}  // namespace

void DocRead::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  if (const auto from = optionalInteger(arguments, "diff_from"))
    return showDiff(context, call, *from);
  ReadRequest request;
  request.caller = documentCaller(call);
  request.ref.document_id = json::stringOr(arguments, "document_id", "");
  request.version = json::integerOr(arguments, "version", 0);
  request.characters = rangeOf(arguments);
  request.bytes_max = kBytesMax;
  context.documents->read(request, [&context, call, request](Result<ReadContent> read) {
    if (read.ok()) return show(call, std::move(*read));
    if (read.error().name() == "content_too_large" && !request.characters)
      return showBeginning(context, call, request, read.error());
    if (read.error().name() == "not_text" && request.characters)
      return showPart(context, call, request);
    call->finish(std::move(read).error());
  });
}

}  // namespace tutti::tools
