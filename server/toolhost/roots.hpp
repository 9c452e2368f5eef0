// What a mounted server is told when it asks for roots and no caller can be asked.
#pragma once

#include "server/json/json.hpp"
#include "server/toolhost/config.hpp"

namespace tutti::toolhost {

/// A ListRootsResult: the working folder of a server that tutti has started. One that is reached
/// over HTTP sees none of tutti's folders, so it gets an empty list.
Json rootsFor(const MountSpec& spec);

}  // namespace tutti::toolhost
