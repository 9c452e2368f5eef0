// Gives the precompiled header a target; see Modules.cmake.
