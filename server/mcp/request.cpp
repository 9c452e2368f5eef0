#include "server/mcp/request.hpp"

#include "server/rpc/codec.hpp"

namespace tutti::mcp {

void Request::result(std::string_view body) const {
  exchange->reply(rpc::resultFrame(id, body), 200);
}

void Request::error(const WireError& error) const {
  const bool own_status = context.modern() && error.http_status != 200;
  const int status = own_status ? error.http_status : httpStatus(error.body.code, context.modern());
  exchange->reply(rpc::errorFrame(id, error.body), status);
}

}  // namespace tutti::mcp
