#include "server/mcp/envelope.hpp"

#include "server/base/text.hpp"
#include "server/mcp/log_level.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {
namespace {

const Json* member(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

WireError badMeta(std::string_view key, std::string_view what) {
  std::string message = "_meta[\"";
  message.append(key).append("\"] ").append(what);
  WireError error = invalidParams(std::move(message), "invalid_meta",
                                  "every request of this revision names protocolVersion and "
                                  "clientCapabilities in params._meta");
  error.http_status = 400;
  return error;
}

/// clientInfo is optional and must never make a request fail: only a well-formed name is used.
std::string clientName(const Json& meta) {
  constexpr std::size_t kNameMax = 200;
  const Json* info = member(meta, kMetaClientInfo);
  if (info == nullptr || !info->is_object()) return {};
  const Json* name = member(*info, "name");
  if (name == nullptr || !name->is_string()) return {};
  return shortened(name->get_ref<const std::string&>(), kNameMax);
}

}  // namespace

bool claimsModern(const rpc::Message& message) {
  const auto& meta = message.meta;
  return meta != nullptr && meta->is_object() && meta->find(kMetaVersion) != meta->end();
}

namespace {

std::optional<WireError> readMeta(const Json* meta, Envelope& envelope) {
  if (meta == nullptr || !meta->is_object()) return badMeta(kMetaVersion, "is missing");
  const Json* version = member(*meta, kMetaVersion);
  if (version == nullptr) return badMeta(kMetaVersion, "is missing");
  if (!version->is_string()) return badMeta(kMetaVersion, "must be a string");
  const Json* capabilities = member(*meta, kMetaCapabilities);
  if (capabilities == nullptr) return badMeta(kMetaCapabilities, "is missing");
  if (!capabilities->is_object()) return badMeta(kMetaCapabilities, "must be an object");

  envelope.protocol_version = version->get_ref<const std::string&>();
  envelope.client_capabilities = *capabilities;
  envelope.client_name = clientName(*meta);
  const Json* level = member(*meta, kMetaLogLevel);
  if (level == nullptr) return std::nullopt;
  if (level->is_string()) envelope.log_level = parseLogLevel(level->get_ref<const std::string&>());
  if (!envelope.log_level) return badMeta(kMetaLogLevel, "is not one of the eight log levels");
  return std::nullopt;
}

}  // namespace

std::optional<WireError> EnvelopeReader::read(const rpc::Message& message,
                                              std::shared_ptr<const Envelope>& envelope) {
  if (message.meta == nullptr || message.meta != meta_) {
    const auto fresh = std::make_shared<Envelope>();
    if (auto bad = readMeta(message.meta.get(), *fresh)) return bad;
    meta_ = message.meta;
    envelope_ = fresh;
  }
  envelope = envelope_;
  return std::nullopt;
}

std::optional<WireError> readProgressToken(const rpc::Message& message, std::string& token) {
  const auto& meta = message.meta;
  if (meta == nullptr) return std::nullopt;
  if (!meta->is_object()) return invalidParams("'_meta' must be an object");
  const Json* value = member(*meta, "progressToken");
  if (value == nullptr) return std::nullopt;
  token = rpc::idOf(*value);
  if (token.empty()) return invalidParams("_meta.progressToken must be a string or an integer");
  return std::nullopt;
}

}  // namespace tutti::mcp
