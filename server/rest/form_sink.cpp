#include "server/rest/form_sink.hpp"

#include <nlohmann/json.hpp>

namespace tutti::rest {
namespace {

constexpr std::string_view kFile = "file";

bool isField(std::string_view name) {
  for (const std::string_view known : {"tags", "metadata", "description", "note", "content_type"})
    if (name == known) return true;
  return false;
}

Error invalidForm(std::string message, std::string name) {
  return Error(Code::InvalidArgument, std::move(message)).named(std::move(name));
}

/// The fields' part in the request; what the file said is there already.
Status readFields(const std::map<std::string, std::string>& fields,
                  documents::PushRequest& request) {
  const auto value = [&fields](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  request.tags = documents::splitTags(value("tags"));
  request.note = value("note");
  if (const std::string type = value("content_type"); !type.empty()) request.content_type = type;
  if (const std::string text = value("metadata"); !text.empty()) {
    const auto parsed = json::parse(text);
    if (!parsed.ok()) return invalidForm("Invalid JSON in metadata parameter", "invalid_metadata");
    auto metadata = documents::metadataFrom(&*parsed);
    if (!metadata.ok()) return std::move(metadata).error();
    request.metadata = std::move(*metadata);
  }
  if (const std::string text = value("description"); !text.empty())
    request.metadata.emplace("description", text);
  return ok();
}

void push(const SharedCall& call, documents::PushRequest request) {
  call->service.push(std::move(request), call->then<
                                             documents::Document>([call](const documents::Document&
                                                                             document) {
    call->answer(201, call->documentJson(document), {{"ETag", documents::contentEtag(document)}});
  }));
}

}  // namespace

FormSink::FormSink(SharedCall call, std::string_view boundary)
    : call_(std::move(call)), reader_(boundary, *this) {
  request_.caller = call_->caller;
  request_.place = call_->place();
  request_.idempotency_key = call_->idempotency_key;
}

FormSink::Flow FormSink::data(std::string_view bytes) {
  if (refused_) return Flow::Go;
  Status read = reader_.append(bytes);
  if (read.ok() && feeder_ && feeder_->refusal()) read = *feeder_->refusal();
  if (!read.ok()) {
    refused_ = true;
    call_->fail(read.error());
    return Flow::Go;
  }
  return feeder_ && feeder_->full() ? Flow::Pause : Flow::Go;
}

void FormSink::end() {
  if (refused_) return;
  Status read = reader_.finish();
  if (read.ok() && !feeder_) read = invalidForm("file is required", "file_required");
  if (read.ok()) read = readFields(fields_, request_);
  if (!read.ok()) return call_->fail(read.error());
  // The sink ends before the last piece is taken; the feeder ends with it.
  feeder_->finish([call = call_, feeder = feeder_, request = std::move(request_)](
                      Result<documents::ContentSource> content) mutable {
    if (!content.ok()) return call->fail(content.error());
    request.content = std::move(*content);
    push(call, std::move(request));
  });
}

void FormSink::cut(transport::HttpCut why) {
  (void)why;  // the transport answers, if anybody is there
  feeder_.reset();
}

Status FormSink::partBegins(PartHead head) {
  part_ = Part::Other;
  if (head.name == kFile && head.filename) {
    if (feeder_) return invalidForm("the form has more than one file", "one_file");
    request_.filename = head.filename->empty() ? "unknown" : std::move(*head.filename);
    // What curl says of each file whose name it does not know: ours is better known then.
    if (head.content_type != "application/octet-stream")
      request_.content_type = std::move(head.content_type);
    feeder_ = std::make_shared<UploadFeeder>(
        call_->service, [exchange = call_->exchange] { exchange->resumeBody(); });
    part_ = Part::File;
  } else if (!head.filename && isField(head.name)) {
    field_ = std::move(head.name);
    fields_[field_].clear();
    part_ = Part::Field;
  }
  return ok();
}

Status FormSink::partData(std::string_view data) {
  if (part_ == Part::File) feeder_->add(data);
  if (part_ != Part::Field) return ok();
  std::string& value = fields_[field_];
  if (value.size() + data.size() > kFieldBytesMax)
    return Error(Code::ResourceExhausted,
                 "Part exceeded maximum size of " + std::to_string(kFieldBytesMax / 1024) + "KB.",
                 "shorten the field '" + field_ + "'")
        .named("field_bytes_max");
  value += data;
  return ok();
}

Status FormSink::partEnds() {
  part_ = Part::Other;
  return ok();
}

}  // namespace tutti::rest
