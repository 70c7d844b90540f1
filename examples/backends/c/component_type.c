/* The generator can write an object file that tells the linker the component's type, and its bindings refer to a symbol in that file. Here the
 * type is told later, when the module becomes a component, so the symbol refers to nothing. */

void __component_type_object_force_link_plugin_with_logs(void);

void __component_type_object_force_link_plugin_with_logs(void) {}
