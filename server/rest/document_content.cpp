// A document's content on its way out: whole, by bytes, by characters, of any version.
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/rest/byte_range.hpp"
#include "server/rest/download_source.hpp"
#include "server/rest/handlers.hpp"
#include "server/rest/header_fields.hpp"

namespace tutti::rest {
namespace {

using documents::Download;
using documents::DownloadRequest;
using transport::HttpAnswer;
using transport::HttpBodyPlan;
using SharedDownload = std::shared_ptr<Download>;

constexpr std::string_view kExposed =
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, X-Char-Range, X-Total-Chars";

Validators validatorsOf(const Download& download) {
  return contentValidators(download.document(), download.version());
}

HttpAnswer answerFor(const Download& download, std::string_view disposition) {
  const Validators now = validatorsOf(download);
  HttpAnswer answer;
  const std::string& type = download.version().content_type;
  answer.content_type = type.empty() ? download.document().content_type : type;
  answer.headers = {
      {"Content-Disposition", contentDisposition(disposition, download.document().filename)},
      {"ETag", now.etag},
      {"Last-Modified", httpDate(now.changed_at)},
      {"Access-Control-Expose-Headers", std::string(kExposed)},
      // A document is what an agent wrote: no browser is to run it as what it looks like.
      {"Content-Security-Policy", "sandbox"},
      {"X-Content-Type-Options", "nosniff"}};
  return answer;
}

void send(Call& call, HttpAnswer answer, SharedDownload download) {
  answer.length = static_cast<std::uint64_t>(download->bytesEnd() - download->bytesStart());
  answer.source = downloadSource(call.exchange, std::move(download));
  call.exchange->respond(std::move(answer));
}

void sendCharacters(Call& call, SharedDownload download) {
  HttpAnswer answer = answerFor(*download, "inline");
  answer.status = 206;
  if (const auto& found = download->characters()) {
    answer.headers.emplace_back("X-Total-Chars", std::to_string(found->characters_total));
    answer.headers.emplace_back("X-Char-Range", std::to_string(found->characters_start) + "-" +
                                                    std::to_string(found->characters_end));
  }
  send(call, std::move(answer), std::move(download));
}

void sendWhole(Call& call, SharedDownload download) {
  HttpAnswer answer = answerFor(*download, "attachment");
  answer.headers.emplace_back("Accept-Ranges", "bytes");
  send(call, std::move(answer), std::move(download));
}

void sendRange(Call& call, const ByteRange& range, SharedDownload download) {
  HttpAnswer answer = answerFor(*download, "attachment");
  answer.status = 206;
  const auto total = static_cast<std::uint64_t>(download->bytesTotal());
  answer.headers.emplace_back("Accept-Ranges", "bytes");
  answer.headers.emplace_back("Content-Range", contentRange(range, total));
  send(call, std::move(answer), std::move(download));
}

void refuseRange(Call& call, std::int64_t total) {
  call.refuse(416, "Range not satisfiable: the content has " + std::to_string(total) + " bytes",
              {{"Content-Range", "bytes */" + std::to_string(total)}});
}

/// `whole` says what there is; what is sent is opened anew, of the same version.
void sendParts(const SharedCall& call, const DownloadRequest& asked, const SharedDownload& whole) {
  const auto total = static_cast<std::uint64_t>(whole->bytesTotal());
  const RangeChoice choice = chooseRanges(call->range, total);
  if (choice.kind == RangeChoice::Kind::Whole) return sendWhole(*call, whole);
  if (choice.kind == RangeChoice::Kind::Unsatisfiable)
    return refuseRange(*call, whole->bytesTotal());
  // Several ranges of one answer are a rarity that RFC 9110 lets a server answer with the whole.
  if (choice.ranges.size() > 1) return sendWhole(*call, whole);
  const ByteRange range = choice.ranges.front();
  DownloadRequest request = asked;
  request.version = whole->version().version;
  documents::ByteRange bytes;
  bytes.first = static_cast<std::int64_t>(range.offset);
  bytes.last = static_cast<std::int64_t>(range.offset + range.size - 1);
  request.bytes = bytes;
  call->service.openDownload(std::move(request),
                             call->then<SharedDownload>([call, range](SharedDownload download) {
                               sendRange(*call, range, std::move(download));
                             }));
}

void sendAsAsked(const SharedCall& call, const DownloadRequest& asked, SharedDownload download) {
  const Validators now = validatorsOf(*download);
  switch (judgeRead(call->conditions, now)) {
    case Verdict::NotModified:
      return call->notModified({{"ETag", now.etag}, {"Last-Modified", httpDate(now.changed_at)}});
    case Verdict::PreconditionFailed:
      return call->preconditionFailed();
    case Verdict::Proceed:
      break;
  }
  if (asked.characters) return sendCharacters(*call, std::move(download));
  if (!call->range.empty() && rangeHolds(call->conditions, now))
    return sendParts(call, asked, download);
  sendWhole(*call, std::move(download));
}

void open(const SharedCall& call, DownloadRequest request) {
  const DownloadRequest asked = request;
  call->service.openDownload(std::move(request),
                             call->then<SharedDownload>([call, asked](SharedDownload download) {
                               sendAsAsked(call, asked, std::move(download));
                             }));
}

/// The characters asked for, if any are.
std::optional<documents::CharacterRange> readCharacters(QueryReader& query) {
  const auto offset = query.integer("offset");
  const auto limit = query.integer("limit");
  if (!offset && !limit) return std::nullopt;
  return documents::CharacterRange{offset.value_or(0), limit};
}

DownloadRequest readDownload(const Call& call, QueryReader& query) {
  DownloadRequest request;
  request.caller = call.caller;
  request.ref = call.document();
  request.characters = readCharacters(query);
  return request;
}

HttpBodyPlan openUnless(const ValidationErrors& errors, const SharedCall& call,
                        DownloadRequest request) {
  if (errors.empty())
    open(call, std::move(request));
  else
    call->invalid(errors);
  return {};
}

}  // namespace

HttpBodyPlan getContent(const SharedCall& call) {
  ValidationErrors errors;
  QueryReader query(call->target, errors);
  DownloadRequest request = readDownload(*call, query);
  request.version = query.integerOr("version", 0, {0, {}});
  return openUnless(errors, call, std::move(request));
}

HttpBodyPlan getVersion(const SharedCall& call) {
  ValidationErrors errors;
  QueryReader query(call->target, errors);
  DownloadRequest request = readDownload(*call, query);
  const std::string& text = call->parameters.at(1);
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, request.version);
  if (parsed.ec != std::errc() || parsed.ptr != end || request.version < 1)
    errors.add("int_parsing", {"path", "version"},
               "Input should be a valid integer, unable to parse string as an integer",
               json::dump(Json(text)));
  return openUnless(errors, call, std::move(request));
}

}  // namespace tutti::rest
