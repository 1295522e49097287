"""Everything that needs Blender (``bpy``); imported only by the rendering commands."""
