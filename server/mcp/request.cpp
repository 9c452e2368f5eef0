#include "server/mcp/request.hpp"

#include "server/rpc/codec.hpp"

namespace tutti::mcp {

std::string FrameParts::joined() const {
  std::string all;
  all.reserve(head.size() + body.size() + tail.size());
  all.append(head).append(body).append(tail);
  return all;
}

void Request::result(std::string_view body) const {
  exchange->reply(rpc::resultFrame(id, body), 200);
}

void Request::result(const FrameParts& parts) const {
  std::string head = rpc::resultHead(id, parts.head.size());
  head += parts.head;
  std::string tail;
  tail.reserve(parts.tail.size() + 1);
  tail.append(parts.tail).push_back('}');
  exchange->replyParts({head, parts.body, tail});
}

void Request::error(const WireError& error) const {
  const bool own_status = context.modern() && error.http_status != 200;
  const int status = own_status ? error.http_status : httpStatus(error.body.code, context.modern());
  exchange->reply(rpc::errorFrame(id, error.body), status);
}

}  // namespace tutti::mcp
