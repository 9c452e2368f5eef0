// {fmt} inside the commands: compiled in, so that the program needs no shared library of it.
#pragma once

#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
#include <fmt/format.h>
