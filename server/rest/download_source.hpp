// From the store to a client: pieces of a download as an answer's body.
#pragma once

#include <memory>

#include "server/documents/transfers.hpp"
#include "server/transport/http_service.hpp"

namespace tutti::rest {

/// Holds at most two pieces (documents::kPieceBytesMax), however slow the client is. A piece that
/// cannot be read cuts the connection. I/O thread only.
std::unique_ptr<transport::HttpBodySource> downloadSource(
    std::shared_ptr<transport::HttpExchange> exchange,
    std::shared_ptr<documents::Download> download);

}  // namespace tutti::rest
