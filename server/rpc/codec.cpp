// Messages of the usual shape take the short way of fast_decode.cpp. Any other text is parsed once,
// as a whole; an id that the parsed value cannot hold exactly (more than 64 bits) is fetched from
// it again.
#include "server/rpc/codec.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "server/base/text.hpp"
#include "server/rpc/fast_decode.hpp"
#include "server/rpc/scan.hpp"

namespace tutti::rpc {
namespace {

std::string namedData(std::string_view name, std::string_view hint) {
  std::string data = "{\"name\":";
  appendJsonString(data, name);
  if (!hint.empty()) {
    data += ",\"hint\":";
    appendJsonString(data, hint);
  }
  data += '}';
  return data;
}

Item refused(Id id, int code, std::string message, std::string data = {}) {
  Item item;
  item.valid = false;
  item.refusal.id = std::move(id);
  item.refusal.error = ErrorBody{code, std::move(message), std::move(data)};
  return item;
}

bool isIntegerText(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The id to echo, and whether MCP allows it.
struct ReadId {
  Id text;
  bool allowed = true;
};

ReadId readId(const Json& value, std::string_view source) {
  if (value.is_string() || value.is_number_integer()) return {idOf(value), true};
  if (!value.is_number()) return {{}, false};
  // More digits than 64 bits hold, or a fraction: only the source knows how it was written.
  Id text(memberSpan(source, "id"));
  const bool integer = isIntegerText(text);
  return {std::move(text), integer};
}

Item decodeResponse(Json& object, ReadId id) {
  const auto result = object.find("result");
  const auto error = object.find("error");
  const bool has_result = result != object.end();
  const bool has_error = error != object.end();
  if (has_result && has_error)
    return refused(std::move(id.text), kInvalidRequest,
                   "Invalid Request: a response has either a result or an error, not both");
  if (!has_result && !has_error)
    return refused(std::move(id.text), kInvalidRequest, "Invalid Request: 'method' is missing");
  Item item;
  item.message.kind = Message::Kind::Response;
  item.message.id = std::move(id.text);
  item.message.answer_is_error = has_error;
  item.message.answer = std::move(has_error ? *error : *result);
  return item;
}

/// Takes the params out of `object`; an Item only when they are not what MCP allows.
std::optional<Item> takeParams(Json& object, Message& message) {
  const auto params = object.find("params");
  if (params == object.end()) return std::nullopt;
  if (params->is_array())
    return refused(std::move(message.id), kInvalidParams,
                   "Invalid params: 'params' is an array; MCP passes parameters by name",
                   namedData("params_not_object", "send an object"));
  if (!params->is_object())
    return refused(std::move(message.id), kInvalidRequest,
                   "Invalid Request: 'params' must be an object");
  message.params = std::move(*params);
  const auto meta = message.params.find("_meta");
  if (meta == message.params.end()) return std::nullopt;
  message.meta = std::make_shared<const Json>(std::move(*meta));
  message.params.erase(meta);
  return std::nullopt;
}

Item readObject(Json& object, std::string_view source) {
  ReadId id;
  const auto id_member = object.find("id");
  const bool has_id = id_member != object.end();
  if (has_id) id = readId(*id_member, source);
  // A peer may answer an unreadable request with a null id; that is nobody's fault here.
  const bool nameless_answer = !object.contains("method") && object.contains("error");
  if (!id.allowed && !nameless_answer)
    return refused(std::move(id.text), kInvalidRequest,
                   "Invalid Request: 'id' must be a string or an integer");

  const auto version = object.find("jsonrpc");
  if (version == object.end() || !version->is_string() ||
      version->get_ref<const std::string&>() != "2.0")
    return refused(std::move(id.text), kInvalidRequest,
                   "Invalid Request: 'jsonrpc' must be \"2.0\"");

  const auto method = object.find("method");
  if (method == object.end()) return decodeResponse(object, std::move(id));
  if (!method->is_string())
    return refused(std::move(id.text), kInvalidRequest,
                   "Invalid Request: 'method' must be a string");
  if (object.contains("result") || object.contains("error"))
    return refused(std::move(id.text), kInvalidRequest,
                   "Invalid Request: a message has either a method or a result, not both");

  Item item;
  Message& message = item.message;
  message.kind = has_id ? Message::Kind::Request : Message::Kind::Notification;
  message.id = std::move(id.text);
  message.method = std::move(method->get_ref<std::string&>());
  if (auto bad_params = takeParams(object, message)) return std::move(*bad_params);
  return item;
}

/// Seen before the object is taken apart. A method that is no name is nobody's notification.
bool isNotification(const Json& object) {
  const auto method = object.find("method");
  return method != object.end() && method->is_string() && !object.contains("id");
}

Item decodeObject(Json object, std::string_view source) {
  const bool notification = isNotification(object);
  Item item = readObject(object, source);
  item.refusal.notification = !item.valid && notification;
  return item;
}

Item decodeValue(Json value, std::string_view source) {
  if (value.is_object()) return decodeObject(std::move(value), source);
  return refused({}, kInvalidRequest, "Invalid Request: a message is a JSON object");
}

Item parseRefusal(const Error& error) {
  return refused({}, kParseError, "Parse error: " + error.message(),
                 namedData(error.name(), error.hint()));
}

Decoded single(Item item) {
  Decoded decoded;
  decoded.items.push_back(std::move(item));
  return decoded;
}

Decoded decodeBatch(const Json& array, std::string_view text, const DecodeLimits& limits) {
  if (array.empty()) {
    Decoded decoded = single(refused({}, kInvalidRequest, "Invalid Request: the batch is empty"));
    decoded.batch = decoded.batch_refused = true;
    return decoded;
  }
  Decoded decoded;
  decoded.batch = true;
  if (array.size() > limits.batch_max) {
    decoded.batch_refused = true;
    decoded.items.push_back(refused({}, kInvalidRequest,
                                    "Invalid Request: the batch has " +
                                        std::to_string(array.size()) + " messages, " +
                                        std::to_string(limits.batch_max) + " are allowed",
                                    namedData("batch_max", "split the batch")));
    return decoded;
  }
  // Batches are rare and old: each element is read again from its own text, so that one way of
  // reading a message serves both.
  for (const std::string_view span : elementSpans(text)) {
    auto element = json::parse(span, {limits.depth_max, limits.bytes_max});
    decoded.items.push_back(element.ok() ? decodeValue(std::move(*element), span)
                                         : parseRefusal(element.error()));
  }
  return decoded;
}

void appendNumber(std::string& to, int number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  to.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

Decoded Decoder::decode(std::string_view text) {
  Decoded usual;
  usual.items.emplace_back();
  if (decodeUsual(text, usual.items.back().message)) return usual;
  return decodeUnusual(text);
}

bool Decoder::decodeUsual(std::string_view text, Message& message) {
  return rpc::decodeUsual(text, limits_, meta_, message);
}

Decoded Decoder::decodeUnusual(std::string_view text) const {
  auto parsed = json::parse(text, {limits_.depth_max, limits_.bytes_max});
  if (!parsed.ok()) return single(parseRefusal(parsed.error()));
  if (parsed->is_array()) return decodeBatch(*parsed, text, limits_);
  return single(decodeValue(std::move(*parsed), text));
}

Decoded decode(std::string_view text, const DecodeLimits& limits) {
  return Decoder(limits).decode(text);
}

std::string resultHead(const Id& id, std::size_t room) {
  constexpr std::string_view head = "{\"jsonrpc\":\"2.0\",\"id\":";
  constexpr std::string_view middle = ",\"result\":";
  std::string frame;
  frame.reserve(head.size() + id.size() + middle.size() + room);
  frame.append(head).append(id).append(middle);
  return frame;
}

std::string resultFrame(const Id& id, std::string_view result) {
  std::string frame = resultHead(id, result.size() + 1);
  frame.append(result).push_back('}');
  return frame;
}

std::string errorFrame(const Id& id, const ErrorBody& error) {
  std::string frame = "{\"jsonrpc\":\"2.0\"";
  if (!id.empty()) frame.append(",\"id\":").append(id);
  frame += ",\"error\":{\"code\":";
  appendNumber(frame, error.code);
  frame += ",\"message\":";
  appendJsonString(frame, error.message);
  if (!error.data.empty()) frame.append(",\"data\":").append(error.data);
  frame += "}}";
  return frame;
}

std::string notificationFrame(std::string_view method, std::string_view params) {
  std::string frame = "{\"jsonrpc\":\"2.0\",\"method\":";
  appendJsonString(frame, method);
  frame.append(",\"params\":").append(params).push_back('}');
  return frame;
}

Id idOf(const Json& value) {
  if (value.is_string()) {
    Id text;
    appendJsonString(text, value.get_ref<const std::string&>());
    return text;
  }
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return {};
}

}  // namespace tutti::rpc
